// A run that was stopped or killed and goes on: the same weights, losses and pictures as one that never stopped. And what cannot
// go on says why.
import Glibc
import Testing

extension EndToEnd {
    @Suite struct Resuming {
        static let steps = 300

        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        private func long(_ network: String, _ more: String...) -> [String] {
            ["train"] + training(network, in: workspace, steps: Self.steps, "--animation") + more
        }

        @Test(arguments: networks)
        func anInterruptedRunGoesOnExactly(network: String) throws {
            let program = try Program(long(network, "--workers", "1"), in: workspace)
            try program.waitForLine(containing: "step 7/")
            program.send(SIGINT)
            let outcome = try program.waitForEnd()
            #expect(outcome.code == 130)
            #expect(outcome.errors.contains("Go on with --resume"))
            let resumed = try run(long(network, "--workers", "0", "--resume"), in: workspace)
            expectSame(
                try trace(resumed, of: network, in: workspace), try reference(network, steps: Self.steps))
        }

        @Test(arguments: networks)
        func aKilledRunGoesOnExactly(network: String) throws {
            let arguments = long(network, "--workers", "2", "--checkpoint-interval", "5")
            let program = try Program(arguments, in: workspace)
            // Checkpoints are written in the background: the first steps may be gone before there is one.
            try eventually("a checkpoint") {
                workspace.names(in: "output").contains("\(network)-FashionMNIST-checkpoint.safetensors")
            }
            program.send(SIGKILL)
            #expect(try program.waitForEnd().code == -SIGKILL)
            let resumed = try run(arguments + ["--resume"], in: workspace)
            #expect(resumed.errors.contains("resuming after step "))
            expectSame(
                try trace(resumed, of: network, in: workspace), try reference(network, steps: Self.steps))
        }

        @Test func manyStopsDoNotMatter() throws {
            let network = "siamese-contrastive"
            var outcome: Outcome?
            // Each leg is stopped as soon as it shows progress; at least one step each, so this ends.
            for leg in 0..<5 {
                let program = try Program(
                    long(network, "--workers", "\(leg % 3)") + (leg > 0 ? ["--resume"] : []), in: workspace)
                try program.waitForLine(containing: "loss ")
                program.send([SIGINT, SIGTERM][leg % 2])
                outcome = try program.waitForEnd()
                #expect(outcome?.code == [130, 143][leg % 2], "\(program.errors)")
            }
            expectSame(
                try trace(run(long(network, "--resume"), in: workspace), of: network, in: workspace),
                try reference(network, steps: Self.steps))
        }

        @Test func aFinishedRunCanBeExtended() throws {
            let network = "triplet"
            let short = training(network, in: workspace, steps: 28, "--animation")
            _ = try run(["train"] + short, in: workspace).modelDigest()
            let longer = ["train"] + training(network, in: workspace, "--animation", "--resume")
            expectSame(try trace(longer, of: network, in: workspace), try reference(network, steps: 60))
        }

        @Test(arguments: [
            ["--seed", "1"], ["--lr", "0.001"], ["--batch-size", "45"], ["--margin", "2"], ["--latent-dims", "3"],
            ["--architecture", "wide"],
        ])
        func anotherJobIsRefused(difference: [String]) throws {
            let arguments = ["train"] + training("triplet", in: workspace, steps: 3)
            _ = try run(arguments, in: workspace).modelDigest()
            try expectRefusal(
                arguments + difference + ["--resume"], in: workspace, code: 78,
                naming: ["cannot resume", difference[0]])
        }

        @Test func anotherWeightOfTheDivergenceIsRefused() throws {
            let arguments = ["train"] + training("vae", in: workspace, steps: 3)
            _ = try run(arguments, in: workspace).modelDigest()
            try expectRefusal(
                arguments + ["--beta", "2", "--resume"], in: workspace, code: 78, naming: ["cannot resume", "--beta"])
        }

        /// What the checkpoint was made with and the new command does not name at all.
        @Test func leavingBalancedBatchesIsRefused() throws {
            let arguments = ["train"] + training("online-triplet", in: workspace, steps: 3)
            _ = try run(arguments + ["--classes", "4", "--samples", "11"], in: workspace).modelDigest()
            try expectRefusal(
                arguments + ["--resume"], in: workspace, code: 78,
                naming: ["cannot resume", "--classes and --samples is nothing now", "made with 4 x 11"])
        }

        @Test func otherDataIsRefused() throws {
            let arguments = ["train"] + training("triplet", in: workspace, steps: 3)
            _ = try run(arguments, in: workspace).modelDigest()
            var pixels = try workspace.read("data/train-images-idx3-ubyte")
            pixels[500] ^= 1
            try workspace.write(pixels, to: "data/train-images-idx3-ubyte")
            try expectRefusal(
                arguments + ["--resume"], in: workspace, code: 78, naming: ["cannot resume", "content of the dataset"])
        }

        @Test func withoutACheckpointThereIsNothingToResume() throws {
            try expectRefusal(
                ["train"] + training("triplet", in: workspace, "--resume"), in: workspace, code: 65,
                naming: ["cannot resume", "checkpoint.safetensors"])
        }

        @Test(arguments: ["truncated", "flipped", "empty", "missing"])
        func aDamagedCheckpointFallsBackToThePrevious(damage: String) throws {
            let arguments = ["train"] + training("triplet", in: workspace, "--checkpoint-interval", "25", "--animation")
            let whole = try trace(arguments, of: "triplet", in: workspace)
            let name = "output/triplet-FashionMNIST-checkpoint.safetensors"
            try self.damage(name, damage)
            let resumed = try run(arguments + ["--resume"], in: workspace)
            // That of step 25, or a later one if the disk was slow; never the last.
            #expect(resumed.errors.contains("resuming after step "), "\(resumed.errors)")
            #expect(!resumed.errors.contains("resuming after step 60"), "\(resumed.errors)")
            #expect(
                resumed.errors.contains("going on from \(workspace.output)/triplet-FashionMNIST-checkpoint.previous"))
            expectSame(try trace(resumed, of: "triplet", in: workspace), whole)
        }

        @Test func lostMetricsDoNotStopAResume() throws {
            let arguments = ["train"] + training("triplet", in: workspace, steps: 20)
            _ = try run(arguments, in: workspace).modelDigest()
            try workspace.remove("output/triplet-FashionMNIST-metrics.jsonl")
            let longer = ["train"] + training("triplet", in: workspace, steps: 30, "--resume")
            #expect(try run(longer, in: workspace).modelDigest() == reference("triplet", steps: 30).model)
        }

        @Test func twoDamagedCheckpointsAreRefused() throws {
            let arguments = ["train"] + training("triplet", in: workspace, steps: 30)
            _ = try run(arguments, in: workspace).modelDigest()
            try damage("output/triplet-FashionMNIST-checkpoint.safetensors", "truncated")
            try damage("output/triplet-FashionMNIST-checkpoint.previous.safetensors", "flipped")
            // A run that was killed while it wrote: nothing may be lost as long as no other begins.
            let leftover = "triplet-FashionMNIST-checkpoint.safetensors.1.tmp"
            try workspace.write([1, 2, 3], to: "output/\(leftover)")
            try expectRefusal(
                arguments + ["--resume"], in: workspace, code: 65, naming: ["cannot resume", "checkpoint.safetensors"])
            #expect(workspace.names(in: "output").contains(leftover))
            _ = try run(arguments, in: workspace).modelDigest()
            #expect(!workspace.names(in: "output").contains(leftover))
        }

        private func damage(_ name: String, _ kind: String) throws {
            var bytes = try workspace.read(name)
            switch kind {
            case "truncated": bytes.removeLast(bytes.count / 3)
            case "flipped": bytes[bytes.count - 100] ^= 1
            case "empty": bytes = []
            default: return try workspace.remove(name)
            }
            try workspace.write(bytes, to: name)
        }
    }
}
