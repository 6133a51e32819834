// Worker processes that do not work: replaced, but not for ever. A process has one SignalWatch, which the link needs, so these
// tests run in processes of their own (Swift Testing's exit tests).
import Foundation
import Glibc
import Messaging
import Runtime
import Testing

private let patience: UInt64 = 20_000_000_000

/// A cluster whose workers are shells running `script`, and the link that watches them.
private struct FakeWorkers {
    let link: RouterLink
    let cluster: LocalCluster
    let said: Lines

    final class Lines { var all: [String] = [] }

    init(_ script: String) throws {
        let said = Lines()
        link = try RouterLink(
            context: Context(), endpoint: Endpoint(parsing: "inproc://cluster"), largestFrame: 1000,
            signals: SignalWatch())
        let command = Command(
            program: "/bin/sh", arguments: ["-c", script], environment: ["PATH": "/usr/bin:/bin"])
        cluster = LocalCluster(command: command, coresPerWorker: nil) { said.all.append($0) }
        link.cluster = cluster
        self.said = said
    }

    /// Serves the link until it throws or `condition` holds.
    func serve(until condition: () -> Bool) throws {
        let deadline = MonotonicClock.now() + patience
        while !condition() {
            try #require(MonotonicClock.now() < deadline, "\(said.all)")
            _ = try link.next(until: MonotonicClock.now() + 5_000_000)
        }
    }
}

@Suite struct LocalClusterTests {
    @Test func workersThatKeepDyingEndTheRun() async {
        await #expect(processExitsWith: .success) {
            let workers = try FakeWorkers("echo the disk is on fire >&2; exit 3")
            try workers.cluster.start(2, link: workers.link)
            do {
                try workers.serve { false }
            } catch let failure as RunFailure {
                try #require(failure.code == 75)
                try #require(failure.description.contains("keep dying"))
                try #require(failure.description.contains("the disk is on fire"))
            }
            // Two workers, three replacements each.
            try #require(workers.said.all.count == 8, "\(workers.said.all)")
            try #require(workers.said.all.allSatisfy { $0.contains("exited with code 3") })
            try #require(workers.cluster.processIDs.isEmpty)
        }
    }

    @Test func aWorkerThatHadJoinedIsReplacedWithoutEnd() async {
        await #expect(processExitsWith: .success) {
            let workers = try FakeWorkers("read line")
            try workers.cluster.start(1, link: workers.link)
            for step in 1...6 {
                let process = try #require(workers.cluster.processIDs.first)
                workers.cluster.joined(processID: UInt32(process))
                kill(process, SIGKILL)
                try workers.serve { workers.said.all.count == step }
                try #require(workers.said.all.last?.contains("was killed") == true)
                try #require(workers.cluster.processIDs.count == 1)
            }
            workers.cluster.stop()
        }
    }

    @Test func stoppingLeavesNobody() async {
        await #expect(processExitsWith: .success) {
            let workers = try FakeWorkers("trap '' TERM; read line; exit 0")
            try workers.cluster.start(3, link: workers.link)
            let processes = workers.cluster.processIDs
            try #require(processes.count == 3)
            // A number from the wire that no process has here.
            workers.cluster.joined(processID: .max)
            workers.cluster.stop()
            for process in processes { try #require(kill(process, 0) != 0 && errno == ESRCH) }
        }
    }

    @Test func aProgramThatIsNotThereIsSaidToBeSo() async {
        await #expect(processExitsWith: .success) {
            let link = try RouterLink(
                context: Context(), endpoint: Endpoint(parsing: "inproc://cluster"), largestFrame: 1000,
                signals: SignalWatch())
            let cluster = LocalCluster(
                command: Command(program: "/nowhere/siamese", environment: [:]), coresPerWorker: nil
            ) { _ in }
            do {
                try cluster.start(1, link: link)
                Issue.record("started")
            } catch {
                try #require("\(error)".contains("/nowhere/siamese"))
            }
        }
    }
}
