// Relays as real processes: the same bits over no, one and two levels of them, whatever happens to them and behind them.
import Foundation
import Glibc
import Messaging
import Testing

extension EndToEnd {
    @Suite struct Relays {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        /// A running relay and where its workers connect.
        struct Relay {
            let program: Program
            let address: String

            /// Starts `siamese relay` on any free port, or again on the address of another one.
            init(under above: String, at address: String = "tcp://127.0.0.1:0", in workspace: Workspace) throws {
                program = try Program(
                    ["relay", "--connect", above, "--listen", address, "--name", "relay"], in: workspace)
                let line = try program.waitForLine(containing: "listening on tcp://127.0.0.1:")
                // "listening on tcp://127.0.0.1:40123: connect with …"
                self.address = String(try #require(line.split(separator: " ").dropFirst(2).first).dropLast())
            }
        }

        private func worker(_ address: String, _ options: String...) throws -> Program {
            try Program(["worker", "--connect", address] + options, in: workspace)
        }

        private func longCluster() throws -> Cluster {
            try Cluster(training("siamese-contrastive", in: workspace, steps: Exactness.longRun), in: workspace)
        }

        private func expectReference(_ cluster: Cluster) throws {
            expectSame(
                try trace(cluster.finish(), of: "siamese-contrastive", in: workspace),
                try reference("siamese-contrastive", steps: Exactness.longRun))
        }

        private func expectSentHome(_ programs: Program...) throws {
            for program in programs {
                let end = try program.waitForEnd()
                #expect(end.code == 0, "\(end.errors)")
            }
        }

        /// Waits until all of them are behind the relay.
        private func gather(_ names: String..., behind relay: Relay) throws -> [Program] {
            let workers = try names.map { try worker(relay.address, "--name", $0) }
            for name in names { try relay.program.waitForLine(containing: "\(name) (pid") }
            return workers
        }

        // The last of those that a run waits for joins it directly, when all others are in their places: a short run is over before a
        // slow process has come.

        @Test(arguments: networks) func oneLevelDoesNotMatter(network: String) throws {
            let cluster = try Cluster(
                training(network, in: workspace, steps: 30) + ["--workers", "2"], in: workspace)
            let relay = try Relay(under: cluster.address, in: workspace)
            let workers = try gather("one", "other", "third", behind: relay)
            try cluster.addWorker("--threads", "2")
            expectSame(
                try trace(cluster.finish(), of: network, in: workspace), try reference(network, steps: 30))
            try expectSentHome(relay.program, workers[0], workers[1], workers[2])
        }

        @Test func twoLevelsAndAWorkerBesideThemDoNotMatter() throws {
            let cluster = try Cluster(
                training("triplet", in: workspace, steps: 30) + ["--workers", "3"], in: workspace)
            let first = try Relay(under: cluster.address, in: workspace)
            let second = try Relay(under: first.address, in: workspace)
            let third = try Relay(under: cluster.address, in: workspace)
            let workers =
                try gather("one", "other", behind: second) + gather("single", behind: first)
                + gather("alone", behind: third)
            try cluster.addWorker("--name", "beside")
            expectSame(
                try trace(cluster.finish(), of: "triplet", in: workspace), try reference("triplet", steps: 30))
            try expectSentHome(first.program, second.program, third.program)
            try expectSentHome(workers[0], workers[1], workers[2], workers[3])
        }

        @Test func aKilledRelayIsReplacedAndItsWorkersFindTheNextOne() throws {
            let cluster = try longCluster()
            let relay = try Relay(under: cluster.address, in: workspace)
            let workers = try [worker(relay.address, "--name", "one"), worker(relay.address, "--name", "other")]
            try cluster.coordinator.waitForLine(containing: "step 7/")
            relay.program.send(SIGKILL)
            #expect(try relay.program.waitForEnd().code == -SIGKILL)
            try cluster.coordinator.waitForLine(containing: "lost relay")
            let next = try Relay(under: cluster.address, at: relay.address, in: workspace)
            try next.program.waitForLine(containing: " joined")
            try expectReference(cluster)
            try expectSentHome(next.program, workers[0], workers[1])
        }

        @Test func aRelayThatHasLostItsWorkersHandsItsShardBack() throws {
            let cluster = try longCluster()
            let relay = try Relay(under: cluster.address, in: workspace)
            let victims = try [worker(relay.address), worker(relay.address)]
            try cluster.coordinator.waitForLine(containing: "step 7/")
            for victim in victims { victim.send(SIGKILL) }
            try cluster.coordinator.waitForLine(containing: "it left: no worker is left behind this relay")
            try cluster.coordinator.waitForLine(containing: "waiting: no worker")
            let newcomer = try worker(relay.address)
            try cluster.coordinator.waitForLine(containing: "going on")
            try expectReference(cluster)
            try expectSentHome(relay.program, newcomer)
        }

        @Test func aKilledAndAStoppedWorkerBehindARelayDoNotMatter() throws {
            let cluster = try longCluster()
            let relay = try Relay(under: cluster.address, in: workspace)
            let (sleeper, victim, survivor) = try (
                worker(relay.address, "--name", "sleeper"), worker(relay.address, "--name", "victim"),
                worker(relay.address)
            )
            for name in ["sleeper", "victim"] { try relay.program.waitForLine(containing: "\(name) (pid") }
            sleeper.send(SIGSTOP)
            victim.send(SIGKILL)
            try expectReference(cluster)
            sleeper.send(SIGKILL)
            try expectSentHome(relay.program, survivor)
        }

        @Test func aTerminatedRelayLeavesSoonAndItsWorkersStay() throws {
            let cluster = try longCluster()
            let relay = try Relay(under: cluster.address, in: workspace)
            let orphan = try worker(relay.address, "--patience", "0")
            try cluster.coordinator.waitForLine(containing: "step 7/")
            let begin = MonotonicClock.now()
            relay.program.send(SIGTERM)
            let end = try relay.program.waitForEnd()
            // 2 s on a quiet machine: chaos `measure-leave` holds it to that.
            #expect(end.code == 143 && MonotonicClock.now() - begin < 10_000_000_000, "\(end.errors)")
            try cluster.coordinator.waitForLine(containing: "lost relay")
            let next = try Relay(under: cluster.address, at: relay.address, in: workspace)
            try expectReference(cluster)
            try expectSentHome(next.program, orphan)
        }

        @Test func aStoppedRunSendsRelaysHomeAsItSendsWorkers() throws {
            let cluster = try longCluster()
            let relay = try Relay(under: cluster.address, in: workspace)
            let worker = try worker(relay.address)
            try cluster.coordinator.waitForLine(containing: "step 7/")
            cluster.coordinator.send(SIGTERM)
            #expect(try cluster.coordinator.waitForEnd().code == 143)
            for program in [relay.program, worker] {
                let end = try program.waitForEnd()
                #expect(end.code == 75 && end.errors.contains("may be resumed"), "\(end)")
            }
        }

        @Test func withoutACoordinatorARelayGivesUp() throws {
            let free = try RouterSocket(context: Context()).bind(to: .tcp(host: "127.0.0.1", port: 0))
            try expectFailureOfRelay(
                ["--connect", "\(free)", "--listen", "tcp://127.0.0.1:0", "--patience", "0.3"], code: 69,
                naming: "no coordinator at \(free)")
        }

        @Test func wrongUsageIsToldAtOnce() throws {
            try expectFailureOfRelay(
                ["--connect", "tcp://127.0.0.1:1", "--listen", "nonsense"], code: 64, naming: "nonsense")
            try expectFailureOfRelay(
                ["--connect", "tcp://127.0.0.1:0", "--listen", "tcp://127.0.0.1:0"], code: 64, naming: "port 0")
            try expectFailureOfRelay(
                ["--connect", "tcp://127.0.0.1:1", "--listen", "tcp://0.0.0.0:5556"], code: 64, naming: "0.0.0.0")
        }

        private func expectFailureOfRelay(_ arguments: [String], code: Int32, naming word: String) throws {
            let outcome = try run(["relay"] + arguments, in: workspace)
            #expect(outcome.code == code && outcome.errors.contains(word), "\(outcome.code): \(outcome.errors)")
        }
    }
}
