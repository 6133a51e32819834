// A real program, killed at every system call with which it writes checkpoints, and started again with the same command: each time
// the digest of a run that nobody disturbed.
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

        /// Kills the run at its call number `call`; nil when there are no more calls than that.
        private func kill(at call: Int, output: String) throws -> String? {
            let tests = URL(fileURLWithPath: try currentExecutablePath()).deletingLastPathComponent()
            let program = try Program(
                [output, "checkpoint", "\(call)", "--", tests.appendingPathComponent("siamese").path]
                    + training(output: output), in: workspace, program: tests.appendingPathComponent("KillAt").path)
            let outcome = try program.waitForEnd()
            if outcome.code == 3 { return nil }
            try #require(outcome.code == 0, "\(outcome.errors)")
            return outcome.errorLines.last.map(String.init)
        }

        @Test func aKillAtAnyCallLosesNothing() throws {
            let expected = try reference("triplet", steps: 12).model
            var calls: [String] = []
            while let call = try kill(at: calls.count + 1, output: "\(workspace.path)/\(calls.count)") {
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
    }
}
