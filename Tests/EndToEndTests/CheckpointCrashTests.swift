// A real program, killed at every system call with which it writes checkpoints or its epoch, and started again with the same command:
// each time the digest of a run that nobody disturbed.
import Foundation
import Messaging
import Runtime
import Testing

extension EndToEnd {
    @Suite struct CheckpointCrashes {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        private func training(output: String, _ more: String...) -> [String] {
            ["train"]
                + EndToEndTests.training(
                    "triplet", in: workspace, steps: 12, output: output, "--workers", "0", "--checkpoint-interval", "4",
                    "--restartable") + more
        }

        /// Kills a command at its call number `call` that concerns a file with `word` in its name; nil when there are no more calls
        /// than that.
        private func kill(
            _ command: [String], at call: Int, on word: String = "checkpoint", output: String
        ) throws -> String? {
            let tests = URL(fileURLWithPath: try currentExecutablePath()).deletingLastPathComponent()
            let program = try Program(
                [output, word, "\(call)", "--", tests.appendingPathComponent("siamese").path] + command, in: workspace,
                program: tests.appendingPathComponent("KillAt").path)
            let outcome = try program.waitForEnd()
            if outcome.code == 3 { return nil }
            try #require(outcome.code == 0, "\(outcome.errors)")
            return outcome.errorLines.last.map(String.init)
        }

        @Test func aKillAtAnyCallLosesNothing() throws {
            let expected = try reference("triplet", steps: 12).model
            var calls: [String] = []
            func next() throws -> String? {
                let output = "\(workspace.path)/\(calls.count)"
                return try kill(training(output: output), at: calls.count + 1, output: output)
            }
            while let call = try next() {
                let output = "\(workspace.path)/\(calls.count)"
                calls.append(call)
                let outcome = try run(training(output: output), in: workspace)
                #expect(try outcome.modelDigest() == expected, "\(call)")
                // What the killed one left half-way is gone, and its lock was no hindrance.
                let names = workspace.names(in: "\(calls.count - 1)")
                #expect(!names.contains { $0.hasSuffix(".tmp") }, "\(call): \(names)")
                #expect(!outcome.errors.contains("damaged"), "\(call): \(outcome.errors)")
                try workspace.remove("\(calls.count - 1)")
            }
            // Of two checkpoints at least: the last one, and one before it that has become the previous.
            for name in ["open", "write", "fsync", "rename"] {
                let count = calls.count { $0.hasPrefix("killed at \(name) ") }
                #expect(count >= 2, "\(name): \(calls)")
            }
        }

        private func coordinator(steps: Int = Exactness.longRun, output: String) -> [String] {
            EndToEndTests.training("triplet", in: workspace, steps: steps, output: output, "--restartable")
        }

        /// A folder with a checkpoint in the middle of the run, and the epoch of the coordinator that came so far.
        private func begin(output: String) throws {
            let cluster = try Cluster(coordinator(steps: 40, output: output), in: workspace)
            try cluster.addWorker()
            #expect(try cluster.finish().code == 0)
        }

        /// The file that says which start of the job a coordinator is. It is written before anybody can connect.
        @Test(arguments: [false, true]) func aKillWhileTheEpochIsWrittenLosesNothing(isResumed: Bool) throws {
            let expected = try reference("triplet", steps: Exactness.longRun).model
            let begun = "\(workspace.path)/begun"
            if isResumed { try begin(output: begun) }
            var calls: [String] = []
            // The last thing that is done for it is to sync the folder.
            while calls.last?.hasPrefix("killed at fsync \(workspace.path)") != true
                || calls.last?.contains("epoch") == true
            {
                let output = "\(workspace.path)/\(calls.count)"
                if isResumed { try FileManager.default.copyItem(atPath: begun, toPath: output) }
                let command = ["coordinator"] + coordinator(output: output) + ["--listen", "tcp://127.0.0.1:0"]
                let call = try kill(command, at: calls.count + 1, on: "epoch", output: output)
                calls.append(try #require(call))
                let cluster = try Cluster(coordinator(output: output), in: workspace)
                try cluster.addWorker()
                #expect(try cluster.finish().modelDigest() == expected, "\(calls)")
                // The old number or the new one, never none.
                let errors = cluster.coordinator.errors
                #expect(!errors.contains("counts as a new job"), "\(calls): \(errors)")
                #expect(errors.contains("resuming after step") == isResumed, "\(calls): \(errors)")
                #expect(!workspace.names(in: "\(calls.count - 1)").contains { $0.hasSuffix(".tmp") }, "\(calls)")
            }
            for name in ["open", "write", "fsync", "rename"] {
                #expect(calls.contains { $0.hasPrefix("killed at \(name) ") && $0.contains("epoch") }, "\(calls)")
            }
        }
    }
}
