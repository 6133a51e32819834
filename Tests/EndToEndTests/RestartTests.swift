// Starting again: by hand, by a service manager, by mistake a second time; and checkpoints that are not what they should be.
import Artifacts
import Foundation
import Glibc
import Messaging
import Runtime
import Storage
import Testing

extension EndToEnd {
    @Suite struct Restarts {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        private let newest = "output/triplet-FashionMNIST-checkpoint.safetensors"
        private let previous = "output/triplet-FashionMNIST-checkpoint.previous.safetensors"

        private func arguments(steps: Int = 60, _ more: String...) -> [String] {
            ["train"] + training("triplet", in: workspace, steps: steps, "--checkpoint-interval", "25") + more
        }

        // MARK: --restartable

        @Test func oneCommandBeginsAndGoesOn() throws {
            let first = try run(arguments(steps: 28, "--restartable"), in: workspace)
            #expect(first.errors.contains("starting anew: there is no checkpoint"))
            let second = try run(arguments("--restartable"), in: workspace)
            #expect(second.errors.contains("resuming after step 28"))
            expectSame(
                try trace(second, of: "triplet", in: workspace), try reference("triplet", steps: 60))
            let both = try run(arguments("--restartable", "--resume"), in: workspace)
            expectFailure(both, code: 64, naming: ["--restartable", "--resume"])
        }

        @Test func aRestartIsNoExcuseForAnotherJob() throws {
            _ = try run(arguments(), in: workspace).modelDigest()
            try expectRefusal(
                arguments("--restartable", "--seed", "5"), in: workspace, code: 78, naming: ["cannot resume", "--seed"])
            for name in [newest, previous] { try workspace.write([1, 2, 3], to: name) }
            try expectRefusal(
                arguments("--restartable"), in: workspace, code: 65,
                naming: [newest, previous, "No checkpoint is whole", "from a backup"])
        }

        /// However long the way to the next interval.
        @Test func aCheckpointIsTakenEverySoManySeconds() throws {
            let program = try Program(
                ["train"]
                    + training(
                        "triplet", in: workspace, steps: 1_000_000, "--checkpoint-interval", "1000000",
                        "--checkpoint-seconds", "1"), in: workspace)
            try eventually(within: 20, "a checkpoint, and a later one") {
                ![newest, previous].contains { !FileManager.default.fileExists(atPath: "\(workspace.path)/\($0)") }
            }
            program.send(SIGTERM)
            let end = try program.waitForEnd()
            #expect(end.code == 143, "it still ran: \(end.errors)")
        }

        /// A shard of many seconds: most of the job's images in one step, at the only worker.
        @Test func aWorkerLeavesInTheMiddleOfALongShard() throws {
            let count = 20_000
            let images = SyntheticData.imageHeader(count: count) + [UInt8](repeating: 100, count: count * 784)
            try workspace.write(images, to: "data/train-images-idx3-ubyte")
            let labels = [0, 0, 8, 1] + withUnsafeBytes(of: UInt32(count).bigEndian) { Array($0) }
            try workspace.write(labels + (0..<count).map { UInt8($0 % 10) }, to: "data/train-labels-idx1-ubyte")
            let cluster = try Cluster(
                training("triplet", in: workspace) + ["--architecture", "wide", "--batch-size", "\(count)"],
                in: workspace)
            let worker = try Program(
                ["worker", "--connect", cluster.address, "--threads", "1", "--name", "leaver"], in: workspace)
            try cluster.coordinator.waitForLine(containing: "leaver")
            // Into its work.
            usleep(1_500_000)
            let begin = MonotonicClock.now()
            worker.send(SIGTERM)
            #expect(try worker.waitForEnd().code == 143)
            #expect(MonotonicClock.now() - begin < 2_000_000_000)
            try cluster.coordinator.waitForLine(containing: "lost leaver")
            cluster.coordinator.send(SIGTERM)
            let end = try cluster.coordinator.waitForEnd()
            #expect(end.errors.contains("stopped after step 0"), "the step was too short for this: \(end.errors)")
        }

        // MARK: Checkpoints that are not what they should be

        @Test func aCheckpointOfAnotherRunIsRefused() throws {
            _ = try run(arguments(), in: workspace).modelDigest()
            let ours = try workspace.read(newest)
            let other = "\(workspace.path)/other"
            _ = try run(arguments(steps: 3, "--seed", "9", "--output", other), in: workspace).modelDigest()
            try workspace.write(workspace.read("other/triplet-FashionMNIST-checkpoint.safetensors"), to: newest)
            try expectRefusal(arguments("--resume"), in: workspace, code: 78, naming: ["cannot resume", "--seed", "9"])
            try workspace.write(ours, to: newest)
            #expect(
                try run(arguments("--resume"), in: workspace).modelDigest() == reference("triplet", steps: 60).model)
        }

        @Test func exchangedCheckpointsGiveTheSameResult() throws {
            let whole = try trace(arguments(), of: "triplet", in: workspace)
            let (one, other) = (try workspace.read(newest), try workspace.read(previous))
            try workspace.write(one, to: previous)
            try workspace.write(other, to: newest)
            expectSame(try trace(arguments("--resume"), of: "triplet", in: workspace), whole)
        }

        /// A whole file of a version to come: neither guessed at, nor passed over for an older one.
        @Test func aNewerFormatIsRefused() throws {
            _ = try run(arguments(), in: workspace).modelDigest()
            var file = try Safetensors(decoding: workspace.read(newest), file: newest)
            file.metadata["format"] = "siamese-checkpoint-2"
            file.metadata["checksum"] = nil
            file.metadata["checksum"] = "\(SHA256.digest(of: file.encoded()))"
            try workspace.write(file.encoded(), to: newest)
            try expectRefusal(
                arguments("--resume"), in: workspace, code: 65,
                naming: ["cannot resume", "siamese-checkpoint-2", "siamese-checkpoint-1", "the version that wrote it"])
        }

        @Test func aLinkInTheCheckpointsPlaceIsReplacedAndItsTargetLeftAlone() throws {
            let target = "\(workspace.path)/precious"
            try workspace.write([7], to: "precious")
            try FileManager.default.createDirectory(atPath: workspace.output, withIntermediateDirectories: true)
            for name in [newest, previous, "output/triplet-FashionMNIST-model.safetensors"] {
                symlink(target, "\(workspace.path)/\(name)")
            }
            #expect(try run(arguments(), in: workspace).modelDigest() == reference("triplet", steps: 60).model)
            #expect(try workspace.read("precious") == [7])
        }

        // MARK: Twice at the same time

        @Test func aSecondCoordinatorIsRefusedByFolderAndByAddress() throws {
            let socket = "ipc://\(workspace.path)/socket"
            for listen in ["tcp://127.0.0.1:0", socket] {
                let first = try Program(coordinator(listen), in: workspace)
                let line = try first.waitForLine(containing: "listening on ")
                let address = String(try #require(line.split(separator: " ").dropFirst(2).first).dropLast())
                // The same files at another address; the same address with other files.
                try expectRefusal(
                    coordinator("tcp://127.0.0.1:0"), in: workspace, code: 73,
                    naming: ["lock", "Another process is at work there"])
                try expectRefusal(
                    coordinator(address, "--output", "\(workspace.path)/other"), in: workspace, code: 69,
                    naming: [address])
                first.send(SIGKILL)
                #expect(try first.waitForEnd().code == -SIGKILL)
                // What a killed one leaves, lock files and a socket, is nobody's hindrance.
                let next = try Program(coordinator(address), in: workspace)
                try next.waitForLine(containing: "listening on ")
                next.send(SIGTERM)
                #expect(try next.waitForEnd().code == 143)
            }
        }

        private func coordinator(_ listen: String, _ more: String...) -> [String] {
            ["coordinator"] + training("triplet", in: workspace, "--listen", listen) + more
        }

        /// Before anybody is answered there is a number on the disk that no earlier start had.
        @Test func everyStartOfACoordinatorHasItsNumber() throws {
            func start(_ how: String...) throws -> RunEpoch? {
                let program = try Program(coordinator("tcp://127.0.0.1:0") + how, in: workspace)
                try program.waitForLine(containing: "listening on ")
                program.send(SIGKILL)
                _ = try program.waitForEnd()
                return try RunEpoch(decoding: workspace.read("output/.triplet-FashionMNIST-epoch"))
            }
            let first = try #require(try start())
            #expect(first.epoch == 1)
            #expect(try start("--restartable") == RunEpoch(job: first.job, epoch: 2))
            #expect(try start("--restartable") == RunEpoch(job: first.job, epoch: 3))
            let anew = try #require(try start())
            #expect(anew.epoch == 1 && anew.job != first.job)
        }

        // MARK: Limits

        @Test func tooFewOpenFilesAreRefusedOrRaised() throws {
            let many = try Program(
                coordinator("tcp://127.0.0.1:0", "--workers", "500"), in: workspace, prelude: "ulimit -n 200")
            expectFailure(try many.waitForEnd(), code: 78, naming: ["1064", "200", "ulimit -n 1064", "--workers"])
            #expect(workspace.names(in: "output").isEmpty)
            let few = try Program(
                coordinator("tcp://127.0.0.1:0", "--workers", "500"), in: workspace, prelude: "ulimit -S -n 200")
            try few.waitForLine(containing: "waiting for 500 workers")
            let limits = String(decoding: try readFile(at: "/proc/\(few.processID)/limits"), as: UTF8.self)
            // "Max open files            1064                 4096                 files"
            let line = limits.split(separator: "\n").first { $0.hasPrefix("Max open files") }
            let soft = line?.split(separator: " ").dropFirst(3).first.flatMap { Int($0) } ?? 0
            #expect(soft >= 1064, "\(limits)")
        }
    }
}
