// The options of the in-batch networks from the outside: what is refused, and a run on balanced batches of some classes that is then
// measured on the others.
import Artifacts
import Testing

extension EndToEnd {
    @Suite struct InBatch {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        @Test(arguments: [
            WrongUse("train", "triplet", "MNIST", "--selector", "all", naming: "--selector", "not for triplet"),
            WrongUse("train", "triplet", "MNIST", "--normalize", naming: "--normalize", "online-triplet"),
            WrongUse("train", "vae", "MNIST", "--distance", "cosine", naming: "--distance", "not for vae"),
            WrongUse("train", "vae", "MNIST", "--temperature", "1", naming: "--temperature", "not for vae"),
            WrongUse("train", "triplet", "MNIST", "--classes", "4", naming: "--classes", "not for triplet"),
            WrongUse("train", "triplet", "MNIST", "--samples", "8", naming: "--samples", "not for triplet"),
            WrongUse("train", "nt-xent", "MNIST", "--selector", "all", naming: "--selector", "not for nt-xent"),
            WrongUse(
                "train", "supervised-contrastive", "MNIST", "--selector", "hardest", naming: "--selector",
                "online-contrastive and online-triplet", "not for supervised-contrastive"),
            WrongUse(
                "train", "online-triplet", "MNIST", "--selector", "hard-negative", naming: "semi-hard", "all",
                "hardest", "random-hard", "batch-hard"),
            WrongUse(
                "train", "online-contrastive", "MNIST", "--selector", "semi-hard", naming: "hard-negative",
                "all-positive"),
            WrongUse("train", "online-triplet", "MNIST", "--selector", "softest", naming: "--selector", "softest"),
            WrongUse("train", "nt-xent", "MNIST", "--distance", "euclidean", naming: "--distance", "always cosine"),
            WrongUse(
                "train", "supervised-contrastive", "MNIST", "--distance", "squared", naming: "--distance",
                "always cosine"),
            WrongUse("train", "online-triplet", "MNIST", "--distance", "far", naming: "--distance", "far"),
            WrongUse("train", "nt-xent", "MNIST", "--temperature", "0", naming: "--temperature", "0.01"),
            WrongUse("train", "nt-xent", "MNIST", "--temperature", "-1", naming: "--temperature", "0.01"),
            WrongUse("train", "nt-xent", "MNIST", "--temperature", "nan", naming: "--temperature", "0.01"),
            WrongUse(
                "train", "online-triplet", "MNIST", "--temperature", "0.1", naming: "--temperature", "nt-xent"),
            WrongUse("train", "online-triplet", "MNIST", "--classes", "8", naming: "--classes", "--samples"),
            WrongUse("train", "online-triplet", "MNIST", "--samples", "4", naming: "--classes", "--samples"),
            WrongUse(
                "train", "online-triplet", "MNIST", "--classes", "8", "--samples", "5", naming: "40", "32",
                "--batch-size 40"),
            WrongUse(
                "train", "online-triplet", "MNIST", "--classes", "0", "--samples", "5", naming: "from 1 to 256"),
            WrongUse(
                "train", "nt-xent", "MNIST", "--classes", "8", "--samples", "4", naming: "--classes", "not for nt-xent"),
            WrongUse("train", "nt-xent", "MNIST", "--batch-size", "8193", naming: "--batch-size", "8192"),
            WrongUse(
                "train", "triplet", "MNIST", "--exclude-classes", "7,10", naming: "--exclude-classes",
                "'10' is no class"),
            WrongUse(
                "train", "triplet", "MNIST", "--exclude-classes", "7,,8", naming: "--exclude-classes", "'' is no class",
                "from 0 to 9"),
            WrongUse(
                "train", "triplet", "MNIST", "--exclude-classes", "7,8,7", naming: "--exclude-classes",
                "class 7 is named twice"),
            WrongUse(
                "train", "vae", "MNIST", "--margin", "1", naming: "--margin",
                "siamese-contrastive, triplet, online-contrastive and online-triplet", "not for vae"),
            WrongUse("train", "nt-xent", "MNIST", "--margin", "2", naming: "--margin", "not for nt-xent"),
            WrongUse("train", "triplet", "MNIST", "--beta", "1", naming: "--beta is for vae, not for triplet"),
        ])
        func wrongUseIsExplained(use: WrongUse) throws {
            try expectRefusal(use.arguments, in: workspace, code: 64, naming: use.words)
        }

        /// The options are fine; only the data show that they do not fit.
        @Test func optionsThatTheDataDoNotAllowAreExplained() throws {
            func arguments(_ more: String...) -> [String] {
                ["train"] + training("online-triplet", in: workspace) + more
            }
            try expectRefusal(
                arguments("--classes", "11", "--samples", "4"), in: workspace, code: 65,
                naming: ["--classes 11", "10 classes", "at most 10"])
            try expectRefusal(
                arguments("--classes", "4", "--samples", "11", "--exclude-classes", "0,1,2,3,4,5,6"), in: workspace,
                code: 65, naming: ["--classes 4", "3 classes", "at most 3"])
            try expectRefusal(
                arguments("--exclude-classes", "0,1,2,3,4,5,6,7,8,9"), in: workspace, code: 65,
                naming: ["--exclude-classes", "leave out fewer"])
            // Now class 9 is nowhere.
            for set in ["train", "t10k"] {
                let name = "data/\(set)-labels-idx1-ubyte"
                let bytes = try workspace.read(name)
                try workspace.write(bytes.prefix(8) + bytes.dropFirst(8).map { $0 == 9 ? 0 : $0 }, to: name)
            }
            try expectRefusal(
                arguments("--exclude-classes", "7,9"), in: workspace, code: 65,
                naming: ["--exclude-classes names class 9", "its classes are 0, 1, 2, 3, 4, 5, 6, 7, 8"])
        }

        @Test func balancedBatchesOfSomeClassesAreMeasuredOnTheOthers() throws {
            let arguments =
                ["train"]
                + training(
                    "online-triplet", in: workspace, steps: 140, "--classes", "4", "--samples", "11", "--selector",
                    "all", "--exclude-classes", "7,8,9")
            let digest = try run(arguments + ["--workers", "0"], in: workspace).modelDigest()
            let prefix = "\(workspace.output)/online-triplet-FashionMNIST"
            let lines = try workspace.read("output/online-triplet-FashionMNIST-metrics.jsonl")
                .split(separator: UInt8(ascii: "\n")).map { try MetricsLine(decoding: Array($0)) }
            let health = lines.filter { $0.split == .train }.compactMap(\.health)
            #expect(health.count == 20)
            // Whole batches: every anchor with ten positives and 33 negatives. The last batch of an epoch is short.
            let whole = health.filter { $0.tuples == 44 * 10 * 33 }
            #expect(whole.count >= 18, "\(health.map(\.tuples))")
            #expect(whole.allSatisfy { $0.positiveDistance != nil && $0.negativeDistance != nil && $0.norm != nil })
            #expect(try run(arguments + ["--workers", "2"], in: workspace).modelDigest() == digest)

            let outcome = try run(
                [
                    "evaluate", "\(prefix)-model.safetensors", "FashionMNIST", "--data", workspace.data, "--classes",
                    "7,8,9", "--ways", "3", "--shots", "1", "--json", "--no-pictures",
                ], in: workspace)
            try #require(outcome.code == 0, "\(outcome.errors)")
            let json = try JSONValue(parsing: Array(outcome.output.utf8))
            #expect(json["classes"]?.array?.compactMap(\.integer) == [7, 8, 9])
            #expect(json["few_shot"]?["ways"]?.integer == 3 && json["few_shot"]?["shots"]?.integer == 1)
            // A third by guessing.
            #expect(try #require(json["few_shot"]?["accuracy"]?.number) > 0.4, "\(outcome.output)")
            let labels = try workspace.read("data/t10k-labels-idx1-ubyte").dropFirst(8)
            #expect(json["retrieval"]?["queries"]?.integer == labels.count { $0 >= 7 })
        }
    }
}
