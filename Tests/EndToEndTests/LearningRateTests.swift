// A learning rate that falls: one digest, whoever computes and however often the run is stopped; and what would make the weights depend
// on when it was stopped is refused.
import Artifacts
import Glibc
import Testing

extension EndToEnd {
    @Suite struct LearningRateSchedules {
        static let network = "siamese-contrastive"
        /// 14 steps an epoch.
        static let epochs = 6
        static let steps = 84

        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        private func falling(_ more: String..., epochs: Int = Self.epochs, steps: Int = 1000) -> [String] {
            ["train"]
                + training(
                    Self.network, in: workspace, steps: steps, "--epochs", "\(epochs)", "--lr", "0.001",
                    "--lr-schedule",
                    "cosine") + more
        }

        private func steady(_ more: String...) -> [String] {
            ["train"] + training(Self.network, in: workspace, steps: 20) + more
        }

        /// Of `falling()`; a change is a decision, as with the other golden digests.
        static let golden = "fbbc24b71ac16c150b1f24cebdf9d5eefc3d775432d605ab4b5079337dec1638"

        @Test(arguments: [
            Way("--workers", "0"), Way("--workers", "1"), Way("--workers", "2"), Way("--workers", "3"),
            Way("--workers", "0", "--threads", "4"),
        ])
        func workersAndThreadsDoNotMatter(way: Way) throws {
            let digest = try run(falling() + way.arguments, in: workspace).modelDigest()
            #expect(digest == Self.golden)
            let report = try workspace.report("output/\(Self.network)-FashionMNIST-run.json")
            #expect(report["configuration"]?["lr_schedule"]?.string == "cosine")
            #expect(report["configuration"]?["lr"]?.number == 0.001)
            #expect(report["steps"]?.integer == Self.steps)
        }

        @Test func aConstantRateIsTheDefault() throws {
            let constant = try run(steady("--lr-schedule", "constant"), in: workspace).modelDigest()
            #expect(try constant == reference(Self.network, steps: 20).model)
            let report = try workspace.report("output/\(Self.network)-FashionMNIST-run.json")
            #expect(report["configuration"]?["lr_schedule"]?.string == "constant")
        }

        @Test func aKilledRunGoesOnExactly() throws {
            // Long enough to be hit; its first epochs alone would be over before there is a checkpoint.
            let arguments = falling("--workers", "2", "--checkpoint-interval", "5", epochs: 30)
            let program = try Program(arguments, in: workspace)
            try eventually("a checkpoint") {
                workspace.names(in: "output").contains("\(Self.network)-FashionMNIST-checkpoint.safetensors")
            }
            program.send(SIGKILL)
            #expect(try program.waitForEnd().code == -SIGKILL)
            let resumed = try run(arguments + ["--resume"], in: workspace)
            #expect(resumed.errors.contains("resuming after step "))
            let undisturbed = try Workspace()
            let whole = try run(
                ["train"]
                    + training(
                        Self.network, in: undisturbed, steps: 1000, "--epochs", "30", "--lr", "0.001",
                        "--lr-schedule", "cosine", "--workers", "0"), in: undisturbed)
            #expect(try resumed.modelDigest() == whole.modelDigest())
        }

        @Test func maxStepsStopsTheRunAndNotTheSchedule() throws {
            _ = try run(falling(steps: 33), in: workspace).modelDigest()
            _ = try run(falling("--resume", steps: 50), in: workspace).modelDigest()
            #expect(try run(falling("--resume"), in: workspace).modelDigest() == Self.golden)
        }

        @Test func anotherScheduleIsRefused() throws {
            _ = try run(steady(), in: workspace).modelDigest()
            try expectRefusal(
                steady("--lr-schedule", "cosine", "--resume"), in: workspace, code: 78,
                naming: ["cannot resume", "--lr-schedule is cosine now", "made with constant", "another --output"])
        }

        @Test func theLossOfTheScheduleIsRefused() throws {
            _ = try run(falling(steps: 20), in: workspace).modelDigest()
            try expectRefusal(
                falling("--lr-schedule", "constant", "--resume"), in: workspace, code: 78,
                naming: ["cannot resume", "--lr-schedule is constant now", "made with cosine", "another --output"])
        }

        /// A cosine that ends elsewhere had other rates from the first step on; a constant rate does not mind.
        @Test func anotherEndOfACosineIsRefused() throws {
            _ = try run(falling(steps: 20), in: workspace).modelDigest()
            try expectRefusal(
                falling("--resume", epochs: 7), in: workspace, code: 78,
                naming: ["cannot resume", "--epochs (where --lr-schedule cosine ends) is 7 now", "made with 6"])
            #expect(try run(falling("--resume"), in: workspace).modelDigest() == Self.golden)
        }

        @Test func anUnknownScheduleIsExplained() throws {
            try expectRefusal(
                ["train", "triplet", "MNIST", "--lr-schedule", "linear"], in: workspace, code: 64,
                naming: ["--lr-schedule", "linear"])
        }

        @Test func aComparisonTellsTheSchedule() throws {
            _ = try run(falling(), in: workspace).modelDigest()
            let outcome = try run(["compare", workspace.output, "--output", workspace.output], in: workspace)
            #expect(outcome.output.contains("batches of 44, lr 0.001, cosine\n"), "\(outcome.output) \(outcome.errors)")
        }
    }
}
