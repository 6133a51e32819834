// `siamese status` and `--metrics-port`: who is slow is seen, and looking changes nothing.
import Artifacts
import Glibc
import Runtime
import TestKit
import Testing

extension EndToEnd {
    @Suite struct Statuses {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        /// A run that goes on until it is stopped.
        private func endless(_ more: String...) -> [String] {
            training("siamese-contrastive", in: workspace, steps: 1_000_000) + more
        }

        private func status(_ arguments: String...) throws -> Outcome {
            try run(["status"] + arguments, in: workspace)
        }

        private func stop(_ program: Program) throws {
            program.send(SIGTERM)
            #expect(try program.waitForEnd().code == 143)
        }

        @Test func aStoppedWorkerIsSeenToBeTheSlowOne() throws {
            let cluster = try Cluster(endless("--workers", "2"), in: workspace)
            try cluster.addWorker("--name", "good")
            let victim = try cluster.addWorker("--name", "victim")
            try cluster.coordinator.waitForLine(containing: "step 7/")
            victim.send(SIGSTOP)
            defer { victim.send(SIGCONT) }
            func states() throws -> [String: String] {
                let outcome = try status(cluster.address, "--json")
                try #require(outcome.code == 0, "\(outcome.errors)")
                let workers = try #require(JSONValue(parsing: Array(outcome.output.utf8))["workers"]?.array)
                return Dictionary(
                    workers.compactMap { worker in
                        worker["name"]?.string.flatMap { name in worker["state"]?.string.map { (name, $0) } }
                    }, uniquingKeysWith: { first, _ in first })
            }
            try eventually("the victim is stalled") { try states()["victim"] == "stalled" }
            let table = try status(cluster.address)
            #expect(table.output.contains("slow: victim is stalled"), "\(table.output)")
            let rows = table.output.split(separator: "\n").filter { $0.hasPrefix("victim ") || $0.hasPrefix("good ") }
            #expect(rows.count == 2 && rows.first?.hasPrefix("victim ") == true, "\(table.output)")
            #expect(table.output.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(table.output)")
            victim.send(SIGCONT)
            try stop(cluster.coordinator)
        }

        @Test func aCoordinatorWithoutWorkersAnswersAndAsksNobodyIn() throws {
            let cluster = try Cluster(endless(), in: workspace)
            let environment = ["SIAMESE_COORDINATOR": cluster.address]
            for _ in 0..<3 {
                let outcome = try run(["status"], in: workspace, environment: environment)
                #expect(outcome.code == 0 && outcome.output.contains("no worker is connected"), "\(outcome)")
            }
            #expect(!cluster.coordinator.errors.contains("joined"), "\(cluster.coordinator.errors)")
            #expect(!cluster.coordinator.errors.contains("dropped"), "\(cluster.coordinator.errors)")
            try stop(cluster.coordinator)
        }

        @Test func watchingEndsWithTheRun() throws {
            let cluster = try Cluster(endless(), in: workspace)
            let watcher = try Program(["status", cluster.address, "--watch", "0.1", "--patience", "1"], in: workspace)
            try watcher.waitForOutput(containing: "no worker is connected")
            try cluster.addWorker()
            try watcher.waitForOutput(containing: "images/s  share")
            try stop(cluster.coordinator)
            // It may be told, or find nobody there any more.
            let outcome = try watcher.waitForEnd()
            #expect(outcome.code == 0 || outcome.code == 69, "\(outcome)")
        }

        @Test func aLocalRunIsFoundWithoutItsAddress() throws {
            let program = try Program(["train"] + endless("--workers", "1"), in: workspace)
            try program.waitForLine(containing: "step 7/")
            let outcome = try status()
            // On a machine with other runs all are named, and one can be asked.
            if outcome.code != 0 {
                #expect(outcome.code == 64 && outcome.errors.contains("several runs"), "\(outcome.errors)")
                let address = try #require(
                    outcome.errors.split { ", ".contains($0) || $0.isNewline }
                        .first { $0.hasPrefix("ipc://\(workspace.temporary)/") })
                let named = try status(String(address))
                #expect(named.code == 0 && named.output.contains("worker-1"), "\(named)")
            } else {
                #expect(outcome.output.contains("worker-1"), "\(outcome.output)")
            }
            try stop(program)
        }

        @Test func whoAsksInTheWrongPlaceIsTold() throws {
            try expectRefusal(
                ["status", "tcp://127.0.0.1:1", "--patience", "0.2"], in: workspace, code: 69,
                naming: ["tcp://127.0.0.1:1", "0.2 s"])
            try expectRefusal(["status", "nonsense"], in: workspace, code: 64, naming: ["nonsense"])
            try expectRefusal(
                ["status", "tcp://127.0.0.1:1", "--watch", "nan"], in: workspace, code: 64, naming: ["--watch"])
        }

        @Test func whoAsksNeedsAKeyWhereWorkersDo() throws {
            let keys = try Keys(in: workspace)
            let other = try Keys(in: workspace, folder: "other")
            let cluster = try Cluster(endless("--keys", keys.folder), in: workspace)
            try cluster.addWorker("--key", keys.worker("a"), "--name", "keyed")
            try cluster.coordinator.waitForLine(containing: "step 7/")
            let admitted = try status(cluster.address, "--key", keys.worker("b"))
            #expect(admitted.code == 0 && admitted.output.contains("keyed"), "\(admitted)")
            let stranger = try status(cluster.address, "--key", other.worker("a"))
            #expect(stranger.code == 77 && stranger.errors.contains("wrong key"), "\(stranger)")
            let nobody = try status(cluster.address)
            #expect(nobody.code == 77 && nobody.errors.contains("--key FILE"), "\(nobody)")
            try stop(cluster.coordinator)
        }

        // MARK: Metrics

        @Test(arguments: [0, 1]) func metricsAreServedWhileTraining(workers: Int) throws {
            let program = try Program(
                ["train"] + endless("--workers", "\(workers)", "--metrics-port", "0"), in: workspace)
            let line = try program.waitForLine(containing: "metrics on http://127.0.0.1:")
            let port = try #require(UInt16(line.split(separator: ":").last?.prefix { $0.isNumber } ?? ""))
            func samples() throws -> [String: Double] {
                let answer = try exchange(port: port, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
                guard answer.hasPrefix("HTTP/1.1 200"), let head = answer.firstRange(of: "\r\n\r\n") else { return [:] }
                return try PrometheusSamples(parsing: String(answer[head.upperBound...])).values
            }
            for seed in 0..<20 as Range<UInt64> {
                var random = SplitMix64(seed: seed)
                try LoopbackConnection(port: port).say((0..<2000).map { _ in UInt8(truncatingIfNeeded: random.next()) })
            }
            let idlers = try (0..<20).map { _ in try LoopbackConnection(port: port) }
            try eventually("the step is shown") { try samples()["siamese_step_total", default: 0] > 0 }
            let seen = try samples()
            #expect(seen["siamese_workers"] == 1)
            #expect(seen.keys.contains { $0.hasPrefix("siamese_worker_compute_seconds{") }, "\(seen.keys)")
            withExtendedLifetime(idlers) {}
            try stop(program)
        }

        @Test func aPortThatIsTakenIsRefusedBeforeAnythingIsWritten() throws {
            let other = try MetricsServer(port: 0)
            try expectRefusal(
                ["train"] + endless("--workers", "1", "--metrics-port", "\(other.port)"), in: workspace, code: 69,
                naming: ["127.0.0.1:\(other.port)", "--metrics-port"])
        }
    }
}
