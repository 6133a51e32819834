// Stopping: by Ctrl-C, by a service manager, by force. No way of ending leaves a process or a socket behind.
import Foundation
import Glibc
import Testing

extension EndToEnd {
    @Suite struct Signals {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        /// A run with two workers that has shown progress and is far from its end.
        private func runInProgress(_ more: String...) throws -> (program: Program, children: [Int32]) {
            let arguments = training("siamese-contrastive", in: workspace, steps: 5000, "--workers", "2") + more
            let program = try Program(["train"] + arguments, in: workspace)
            try program.waitForLine(containing: "step 7/")
            let children = program.children()
            try #require(children.count == 2)
            return (program, children)
        }

        private var checkpoint: String { "\(workspace.output)/siamese-contrastive-FashionMNIST-checkpoint.safetensors" }

        @Test(arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(143))])
        func aSignalStopsCleanly(signal: Int32, code: Int32) throws {
            let (program, children) = try runInProgress()
            program.send(signal)
            let outcome = try program.waitForEnd()
            #expect(outcome.code == code)
            #expect(outcome.errorLines.filter { $0.hasPrefix("siamese: ") }.count == 1, "\(outcome.errors)")
            #expect(outcome.errors.contains("siamese: stopped after step "))
            #expect(outcome.output.isEmpty)
            #expect(FileManager.default.fileExists(atPath: checkpoint))
            for child in children { #expect(!isRunning(child)) }
            #expect(workspace.names(in: "tmp") == [], "left behind")
            #expect(!workspace.names(in: "output").contains { $0.hasSuffix(".tmp") })
        }

        @Test func aSecondSignalStopsAtOnce() throws {
            let (program, children) = try runInProgress("--checkpoint-interval", "1000000")
            // A stopped worker does not go when it is asked to: the program has to give it its time.
            for child in children { kill(child, SIGSTOP) }
            defer { for child in children { kill(child, SIGCONT) } }
            program.send(SIGINT)
            try eventually("the checkpoint of the first signal") {
                FileManager.default.fileExists(atPath: checkpoint)
            }
            program.send(SIGINT)
            let outcome = try program.waitForEnd()
            #expect(outcome.code == 130)
            #expect(!outcome.errors.contains("siamese: stopped"), "it took its time: \(outcome.errors)")
            for child in children { kill(child, SIGCONT) }
            try eventually("the workers are gone") { !children.contains(where: isRunning) }
        }

        @Test func aKilledParentTakesItsChildrenAlong() throws {
            let (program, children) = try runInProgress()
            program.send(SIGKILL)
            #expect(try program.waitForEnd().code == -SIGKILL)
            try eventually(within: 5, "the workers are gone") { !children.contains(where: isRunning) }
        }

        @Test func aStopBeforeTheFirstStepHasACheckpointToo() throws {
            let cluster = try Cluster(training("siamese-contrastive", in: workspace), in: workspace)
            try cluster.coordinator.waitForLine(containing: "waiting for 1 worker")
            cluster.coordinator.send(SIGINT)
            let outcome = try cluster.coordinator.waitForEnd()
            #expect(outcome.code == 130)
            #expect(outcome.errors.contains("stopped after step 0 of 60"))
            let resumed = try run(
                ["train"] + training("siamese-contrastive", in: workspace, "--resume"), in: workspace)
            #expect(try resumed.modelDigest() == reference("siamese-contrastive", steps: 60).model)
        }

        @Test func aWorkerLeavesPolitely() throws {
            let cluster = try Cluster(training("siamese-contrastive", in: workspace, steps: 300), in: workspace)
            let leaver = try cluster.addWorker("--name", "leaver")
            try cluster.coordinator.waitForLine(containing: "step 7/")
            leaver.send(SIGTERM)
            let end = try leaver.waitForEnd()
            #expect(end.code == 143)
            try cluster.coordinator.waitForLine(containing: "it left: stopped by terminate")
            let worker = try cluster.addWorker()
            #expect(
                try cluster.coordinator.waitForEnd().modelDigest()
                    == reference("siamese-contrastive", steps: 300).model)
            #expect(try worker.waitForEnd().code == 0)
        }

        @Test func aStoppedCoordinatorSendsItsWorkersHome() throws {
            let cluster = try Cluster(training("siamese-contrastive", in: workspace, steps: 5000), in: workspace)
            let worker = try cluster.addWorker()
            try cluster.coordinator.waitForLine(containing: "step 7/")
            cluster.coordinator.send(SIGTERM)
            #expect(try cluster.coordinator.waitForEnd().code == 143)
            #expect(try worker.waitForEnd().code == 75)
        }
    }
}
