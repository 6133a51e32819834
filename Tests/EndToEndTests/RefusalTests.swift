// Every way to call the program wrongly, or in a world that is not as it should be: one line that says what to do, and the exit
// code of sysexits.h that scripts can rely on.
import Glibc
import Messaging
import Testing

/// A wrong call: arguments after `train NETWORK DATASET`, and words of the answer.
struct WrongUse: CustomTestStringConvertible, Sendable {
    let arguments: [String]
    let words: [String]

    init(_ arguments: String..., naming words: String...) { (self.arguments, self.words) = (arguments, words) }

    var testDescription: String { arguments.joined(separator: " ") }
}

extension EndToEnd {
    @Suite struct Refusals {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        @Test(arguments: [
            WrongUse("train", "siamese", "FashionMNIST", naming: "siamese", "siamese-contrastive", "triplet"),
            WrongUse("train", "triplet", "CIFAR", naming: "CIFAR", "MNIST", "FashionMNIST"),
            WrongUse("train", "triplet", naming: "dataset"),
            WrongUse("train", "triplet", "MNIST", "--lr", "0", naming: "--lr"),
            WrongUse("train", "triplet", "MNIST", "--lr", "nan", naming: "--lr"),
            WrongUse("train", "triplet", "MNIST", "--lr=-1e-4", naming: "--lr"),
            WrongUse("train", "triplet", "MNIST", "--lr", "fast", naming: "--lr"),
            WrongUse("train", "triplet", "MNIST", "--epochs", "0", naming: "--epochs"),
            WrongUse("train", "triplet", "MNIST", "--batch-size", "0", naming: "--batch-size"),
            WrongUse("train", "triplet", "MNIST", "--batch-size", "1000001", naming: "--batch-size"),
            WrongUse("train", "triplet", "MNIST", "--log-interval", "0", naming: "--log-interval"),
            WrongUse("train", "triplet", "MNIST", "--latent-dims", "4097", naming: "--latent-dims"),
            WrongUse("train", "triplet", "MNIST", "--margin", "0", naming: "--margin"),
            WrongUse("train", "triplet", "MNIST", "--margin", "inf", naming: "--margin"),
            WrongUse("train", "vae", "MNIST", "--beta", "0", naming: "--beta"),
            WrongUse("train", "vae", "MNIST", "--beta", "inf", naming: "--beta"),
            WrongUse("generate", naming: "model"),
            WrongUse("generate", "model", "--count", "0", naming: "--count"),
            WrongUse("generate", "model", "--output", "", naming: "--output"),
            WrongUse("train", "triplet", "MNIST", "--seed=-1", naming: "--seed"),
            WrongUse("train", "triplet", "MNIST", "--max-steps", "0", naming: "--max-steps"),
            WrongUse("train", "triplet", "MNIST", "--checkpoint-interval", "0", naming: "--checkpoint-interval"),
            WrongUse("train", "triplet", "MNIST", "--architecture", "tall", naming: "--architecture"),
            WrongUse("train", "triplet", "MNIST", "--workers", "513", naming: "--workers"),
            WrongUse("train", "triplet", "MNIST", "--workers=-1", naming: "--workers"),
            WrongUse("train", "triplet", "MNIST", "--threads", "0", naming: "--threads"),
            WrongUse("train", "triplet", "MNIST", "--output", "", naming: "--output"),
            WrongUse("train", "triplet", "MNIST", "--trace", "", naming: "--trace"),
            WrongUse("train", "triplet", "MNIST", "--speed", "9", naming: "--speed"),
            WrongUse("coordinator", "triplet", "MNIST", naming: "--listen"),
            WrongUse("coordinator", "triplet", "MNIST", "--listen", "5555", naming: "--listen", "tcp://HOST:PORT"),
            WrongUse(
                "coordinator", "triplet", "MNIST", "--listen", "tcp://0.0.0.0:5555", naming: "tcp://0.0.0.0:5555",
                "keys are required", "siamese keygen", "--keys", "--insecure"),
            WrongUse("coordinator", "triplet", "MNIST", "--listen", "tcp://*:5555", naming: "keys are required"),
            WrongUse(
                "coordinator", "triplet", "MNIST", "--listen", "tcp://127.0.0.1:0", "--keys", "k", "--insecure",
                naming: "--insecure"),
            WrongUse(
                "worker", "--connect", "tcp://10.0.0.1:5555", naming: "keys are required", "--key FILE", "--insecure"),
            WrongUse("worker", "--connect", "tcp://127.0.0.1:5555", "--key", "k", "--insecure", naming: "--insecure"),
            WrongUse("worker", "--connect", "tcp://127.0.0.1:5555", "--key", "", naming: "empty"),
            WrongUse("keygen", naming: "dir"),
            WrongUse("keygen", "", naming: "DIR"),
            WrongUse("keygen", "k", "--workers", "0", naming: "--workers"),
            WrongUse("keygen", "k", "--workers", "2", "--names", "a,b", naming: "--names"),
            WrongUse("worker", naming: "--connect"),
            WrongUse("worker", "--connect", "tcp://127.0.0.1:0", naming: "--connect", "port 0"),
            WrongUse("worker", "--connect", "tcp://*:5555", naming: "--connect"),
            WrongUse("worker", "--connect", "http://127.0.0.1:80", naming: "--connect", "http"),
            WrongUse("worker", "--connect", "tcp://127.0.0.1:5555", "--patience=-1", naming: "--patience"),
            WrongUse("worker", "--connect", "tcp://127.0.0.1:5555", "--patience", "nan", naming: "--patience"),
            WrongUse("worker", "--connect", "tcp://127.0.0.1:5555", "--threads", "0", naming: "--threads"),
            WrongUse("bench", "--seconds", "0", naming: "--seconds"),
            WrongUse("bench", "--seconds", "nan", naming: "--seconds"),
            WrongUse("bench", "--architecture", "tall", naming: "--architecture"),
            WrongUse("bench", "--network", "siamese", naming: "--network", "triplet"),
            WrongUse("bench", "triplet", naming: "triplet"),
            WrongUse("dance", naming: "dance"),
        ])
        func wrongUseIsExplained(use: WrongUse) throws {
            try expectRefusal(use.arguments, in: workspace, code: 64, naming: use.words)
        }

        @Test(arguments: [("siamese-constrastive", "siamese-contrastive"), ("tripet-loss-net", "triplet")])
        func theOriginalSpellingsAreAccepted(alias: String, network: String) throws {
            var arguments = training(alias, in: workspace, steps: 2)
            arguments[1] = "fASHIONmnist"
            let outcome = try run(["train"] + arguments, in: workspace)
            let digest = try outcome.modelDigest()
            #expect(
                outcome.output
                    == "model \(workspace.output)/\(network)-FashionMNIST-model.safetensors sha256 \(digest)\n")
        }

        @Test(arguments: ["/dev/null/x", "/proc/x"])
        func anOutputThatCannotBeWrittenIsRefused(output: String) throws {
            try expectRefusal(
                ["train"] + training("triplet", in: workspace, output: output), in: workspace, code: 73,
                naming: ["cannot create output", output.hasPrefix("/dev") ? "/dev/null" : output])
        }

        @Test func aReadOnlyOutputIsRefused() throws {
            // Root may write anywhere; then the folder below a file stands for it.
            let output = getuid() == 0 ? "\(workspace.data)/train-labels-idx1-ubyte" : "\(workspace.path)/home"
            if getuid() != 0 { chmod(output, 0o500) }
            try expectRefusal(
                ["train"] + training("triplet", in: workspace, output: output), in: workspace, code: 73,
                naming: [output])
        }

        @Test func aSecondRunInTheSameFolderIsRefused() throws {
            let cluster = try Cluster(training("triplet", in: workspace), in: workspace)
            try cluster.coordinator.waitForLine(containing: "waiting")
            let arguments = ["train"] + training("triplet", in: workspace)
            try expectRefusal(arguments, in: workspace, code: 73, naming: ["lock", "Another process is at work there"])
            // Another network has other files.
            _ = try run(["train"] + training("siamese-contrastive", in: workspace), in: workspace).modelDigest()
            try cluster.addWorker()
            let reference = try reference("triplet", steps: 60)
            #expect(try cluster.finish().modelDigest() == reference.model)
        }

        @Test func aPortInUseIsRefused() throws {
            let socket = try RouterSocket(context: Context())
            let endpoint = try socket.bind(to: .tcp(host: "127.0.0.1", port: 0))
            try expectRefusal(
                ["coordinator"] + training("triplet", in: workspace, "--listen", "\(endpoint)"), in: workspace,
                code: 69,
                naming: ["\(endpoint)"])
        }

        @Test func aConnectionToNothingIsGivenUp() throws {
            let endpoint = try freeEndpoint()
            // Cores that are not there are no reason to stop.
            for core in [[], ["--first-core", "\(Int.max)"], ["--first-core=-1"]] {
                try expectRefusal(
                    ["worker", "--connect", "\(endpoint)", "--patience", "0.5"] + core, in: workspace, code: 69,
                    naming: ["no coordinator at \(endpoint)", "0.5 s"])
            }
        }

        @Test func aTMPDIRThatIsNotThereIsNamed() throws {
            let outcome = try run(
                ["train"] + training("triplet", in: workspace, "--workers", "1"), in: workspace,
                environment: ["TMPDIR": "/nowhere/at/all"])
            expectFailure(outcome, code: 73, naming: ["/nowhere/at/all", "TMPDIR"])
        }

        @Test func aLearningRateThatDivergesIsExplained() throws {
            let arguments = ["train"] + training("siamese-contrastive", in: workspace, steps: 300, "--lr", "1e30")
            try expectRefusal(
                arguments, in: workspace, code: 78, naming: ["diverged", "--lr"], untouched: false)
        }

        /// An address where nobody listens: taken a moment ago, and given back.
        private func freeEndpoint() throws -> Endpoint {
            try RouterSocket(context: Context()).bind(to: .tcp(host: "127.0.0.1", port: 0))
        }
    }
}
