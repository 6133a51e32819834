// One job, one digest: however many workers, threads and transports, and whatever happens to the workers on the way.
import Glibc
import Testing

/// A way to run a job on one machine.
struct Way: CustomTestStringConvertible, Sendable {
    let arguments: [String]

    init(_ arguments: String...) { self.arguments = arguments }

    var testDescription: String { arguments.joined(separator: " ") }
}

extension EndToEnd {
    @Suite struct Exactness {
        /// Long enough to be hit in the middle by what follows its first line of progress.
        static let longRun = 300

        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        @Test(
            arguments: networks,
            [
                Way("--workers", "1"), Way("--workers", "3"), Way("--workers", "5"),
                Way("--workers", "0", "--threads", "4"), Way("--workers", "2", "--threads", "4"),
            ])
        func workersAndThreadsDoNotMatter(network: String, way: Way) throws {
            let arguments = training(network, in: workspace, steps: 30) + way.arguments + ["--animation"]
            expectSame(
                try trace(["train"] + arguments, of: network, in: workspace), try reference(network, steps: 30))
        }

        @Test(arguments: ["siamese-contrastive", "triplet", "vae"], ["wide", "koch"])
        func theOtherArchitecturesToo(network: String, architecture: String) throws {
            func digest(_ workers: String) throws -> String {
                let other = training(
                    network, in: workspace, steps: 6, "--architecture", architecture, "--workers", workers)
                return try run(["train"] + other, in: workspace).modelDigest()
            }
            #expect(try digest("0") == digest("3"))
        }

        @Test(arguments: networks)
        func tcpDoesNotMatter(network: String) throws {
            let cluster = try Cluster(training(network, in: workspace, steps: 30, "--workers", "2"), in: workspace)
            try cluster.addWorker()
            try cluster.addWorker("--threads", "4")
            expectSame(
                try trace(cluster.finish(), of: network, in: workspace), try reference(network, steps: 30))
        }

        @Test(arguments: networks)
        func aKilledWorkerOverTCPDoesNotMatter(network: String) throws {
            let cluster = try longCluster(network)
            let victim = try cluster.addWorker("--name", "victim")
            try cluster.coordinator.waitForLine(containing: "step 7/")
            try cluster.addWorker("--name", "other")
            try cluster.coordinator.waitForLine(containing: "other (pid ")
            victim.send(SIGKILL)
            #expect(try victim.waitForEnd().code == -SIGKILL)
            try cluster.coordinator.waitForLine(containing: "lost victim")
            try expectReference(cluster, network)
        }

        @Test(arguments: networks)
        func aKilledLocalWorkerDoesNotMatter(network: String) throws {
            let arguments = training(
                network, in: workspace, steps: Self.longRun, "--workers", "2")
            let program = try Program(["train"] + arguments, in: workspace)
            try program.waitForLine(containing: "step 7/")
            let victim = try #require(program.children().first)
            kill(victim, SIGKILL)
            try program.waitForLine(containing: "(pid \(victim)) ended: was killed")
            expectSame(
                try trace(program.waitForEnd(), of: network, in: workspace),
                try reference(network, steps: Self.longRun))
        }

        @Test func aStoppedWorkerDoesNotMatter() throws {
            let cluster = try longCluster("triplet")
            let sleeper = try cluster.addWorker()
            try cluster.coordinator.waitForLine(containing: "step 7/")
            sleeper.send(SIGSTOP)
            // The sleeper's lease runs out, and its shard goes to the newcomer.
            try cluster.addWorker()
            _ = try cluster.coordinator.waitForEnd()
            // It would wait for the coordinator to come back.
            sleeper.send(SIGKILL)
            try expectReference(cluster, "triplet")
        }

        @Test(arguments: ["siamese-contrastive"])
        func aLateJoinerDoesNotMatter(network: String) throws {
            let cluster = try longCluster(network)
            try cluster.addWorker("--name", "first")
            try cluster.coordinator.waitForLine(containing: "step 7/")
            try cluster.addWorker("--name", "late")
            try cluster.coordinator.waitForLine(containing: "late (pid ")
            try expectReference(cluster, network)
        }

        @Test(arguments: ["embedding-classification", "triplet"])
        func losingAllWorkersDoesNotMatter(network: String) throws {
            let cluster = try longCluster(network)
            let victims = try [cluster.addWorker(), cluster.addWorker()]
            try cluster.coordinator.waitForLine(containing: "step 7/")
            for victim in victims { victim.send(SIGKILL) }
            try cluster.coordinator.waitForLine(containing: "waiting: no worker")
            try cluster.addWorker()
            try cluster.coordinator.waitForLine(containing: "going on")
            try expectReference(cluster, network)
        }

        private func longCluster(_ network: String) throws -> Cluster {
            try Cluster(
                training(network, in: workspace, steps: Self.longRun), in: workspace)
        }

        private func expectReference(_ cluster: Cluster, _ network: String) throws {
            expectSame(
                try trace(cluster.finish(), of: network, in: workspace),
                try reference(network, steps: Self.longRun))
        }
    }
}
