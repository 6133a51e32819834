// A disk that is full, gone or slow, and streams that nobody reads: training goes on, says so, and loses nothing but what could not
// be written.
import Artifacts
import Foundation
import Glibc
import Messaging
import ModelCore
import Runtime
import Testing

extension EndToEnd {
    @Suite struct DiskTrouble {
        /// In units of 512 bytes: room for every file of a run but the checkpoint.
        static let smallFiles = "ulimit -S -f 600"

        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        private func arguments(steps: Int, _ more: String...) -> [String] {
            ["train"] + training("triplet", in: workspace, steps: steps) + more
        }

        private var checkpoint: String { "triplet-FashionMNIST-checkpoint.safetensors" }

        /// Another limit for a process that runs, as its administrator would set it.
        private func liftLimit(of program: Program) throws {
            let command = try Program(
                ["--pid", "\(program.processID)", "--fsize=unlimited:unlimited"], in: workspace,
                program: "/usr/bin/prlimit")
            let outcome = try command.waitForEnd()
            try #require(outcome.code == 0, "\(outcome.errors)")
        }

        @Test func aRunWhoseCheckpointsDoNotFitTrainsToItsEnd() throws {
            let program = try Program(
                arguments(steps: 60, "--checkpoint-interval", "7"), in: workspace, prelude: Self.smallFiles)
            let outcome = try program.waitForEnd()
            #expect(outcome.code == 73)
            #expect(outcome.output.isEmpty)
            let warnings = outcome.errorLines.filter { $0.hasPrefix("WARNING: no checkpoint of step ") }
            #expect(warnings.count >= 2, "\(outcome.errors)")
            let last = String(outcome.errorLines.last ?? "")
            for words in ["all 60 steps are done", "File too large", "ulimit -f", "run the same command again"] {
                #expect(last.contains(words), "'\(words)' is not in: \(last)")
            }
            // What fits is there, and nothing half-way.
            let model = try JSONValue(parsing: workspace.read("output/triplet-FashionMNIST-run.json"))["model_sha256"]
            #expect(try model?.string == reference("triplet", steps: 60).model)
            let names = workspace.names(in: "output")
            #expect(!names.contains { $0.contains("checkpoint") || $0.hasSuffix(".tmp") }, "\(names)")
            let again = try run(arguments(steps: 60, "--restartable"), in: workspace)
            #expect(try again.modelDigest() == reference("triplet", steps: 60).model)
        }

        @Test func aDiskThatHasRoomAgainIsUsedAgain() throws {
            let program = try Program(
                arguments(steps: 1_000_000, "--checkpoint-interval", "25", "--workers", "1"), in: workspace,
                prelude: Self.smallFiles)
            try program.waitForLine(containing: "WARNING: no checkpoint of step ")
            try liftLimit(of: program)
            try program.waitForLine(containing: "checkpoints can be written again")
            program.send(SIGTERM)
            let outcome = try program.waitForEnd()
            #expect(outcome.code == 143, "\(outcome.errors)")
            #expect(workspace.names(in: "output").contains(checkpoint))
        }

        /// The limit comes after a checkpoint is there: it stays, and the run can go on from it.
        @Test func theLastGoodCheckpointOutlivesAFullDisk() throws {
            let long = arguments(steps: 1_000_000, "--checkpoint-interval", "10", "--workers", "1")
            let program = try Program(long, in: workspace)
            try eventually("a checkpoint") { workspace.names(in: "output").contains(checkpoint) }
            let limit = try Program(
                ["--pid", "\(program.processID)", "--fsize=300000"], in: workspace, program: "/usr/bin/prlimit")
            #expect(try limit.waitForEnd().code == 0)
            let warning = try program.waitForLine(containing: "WARNING: no checkpoint of step ")
            #expect(warning.contains("is intact"), "\(warning)")
            program.send(SIGTERM)
            let outcome = try program.waitForEnd()
            #expect(outcome.code == 73, "\(outcome.errors)")
            #expect(outcome.errorLines.last?.contains("without a checkpoint of it") == true, "\(outcome.errors)")
            let resumed = try Program(long + ["--resume"], in: workspace)
            try resumed.waitForLine(containing: "resuming after step ")
        }

        @Test func aFolderThatVanishesDoesNotEndTheTraining() throws {
            // Long enough for every machine; what happens at the end of a run is aRunWhoseCheckpointsDoNotFitTrainsToItsEnd's.
            let program = try Program(
                arguments(steps: 10_000_000, "--epochs", "1000000", "--checkpoint-interval", "50", "--workers", "1"),
                in: workspace)
            try program.waitForLine(containing: "step 7/")
            try workspace.remove("output")
            let warning = "WARNING: no checkpoint of step "
            let line = try program.waitForLine(containing: warning)
            let step = try #require(Int(line.split(separator: warning)[0].prefix { $0.isNumber }))
            try program.waitForLine(containing: "\(warning)\(step + 100)")
            program.send(SIGTERM)
            let outcome = try program.waitForEnd()
            #expect(outcome.code == 73, "\(outcome.errors)")
            #expect(outcome.errorLines.last?.contains("without a checkpoint of it") == true, "\(outcome.errors)")
        }

        @Test func aDivergedRunLeavesTheCheckpointsAlone() throws {
            let outcome = try run(arguments(steps: 300, "--lr", "1e30", "--checkpoint-interval", "1000"), in: workspace)
            #expect(outcome.code == 78)
            #expect(outcome.errors.contains("no checkpoint had been written yet"))
            #expect(!workspace.names(in: "output").contains(checkpoint))
        }

        /// Files must not get the numbers of closed streams, or progress would be written into them.
        @Test func closedStreamsDoNotEndInFiles() throws {
            let program = try Program(
                arguments(steps: 60, "--checkpoint-interval", "7", "--workers", "2"), in: workspace,
                prelude: "exec <&- >&- 2>&-")
            #expect(try program.waitForEnd().code == 0)
            let trace = try Trace(
                of: "triplet",
                digest: try #require(
                    workspace.report("output/triplet-FashionMNIST-run.json")["model_sha256"]?.string),
                folder: workspace.output)
            expectSame(trace, try reference("triplet", steps: 60))
        }

        /// Standard error is a pipe that is full for ever.
        @Test(arguments: [("60", Int32(0)), ("0", Int32(64))])
        func nobodyReadsWhatIsSaid(steps: String, code: Int32) throws {
            let path = "\(workspace.path)/pipe"
            try #require(mkfifo(path, 0o600) == 0)
            let pipe = open(path, O_RDWR | O_NONBLOCK)
            defer { close(pipe) }
            let noise = [UInt8](repeating: 10, count: 4096)
            while write(pipe, noise, noise.count) > 0 {}
            let program = try Program(
                arguments(steps: 60, "--max-steps", steps), in: workspace, prelude: "exec 2> \(path)")
            #expect(try program.waitForEnd().code == code)
        }
    }
}
