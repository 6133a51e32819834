// Where a worker's times go on the coordinator's clock, and what becomes of senseless ones.
import Artifacts
import Coordination
import Foundation
import Messaging
import ModelCore
import Runtime
import Testing

@Suite struct StepTraceTests {
    private let path = "/tmp/siamese-trace-\(UUID().uuidString)"

    /// A worker that a core admitted.
    private func worker() throws -> WorkerIdentity {
        let build = BuildIdentity.ofThisBuild()
        var core = CoordinatorCore(
            configuration: CoordinatorConfiguration(run: RunID(high: 1, low: 1), build: build, imagesPerExample: 2),
            now: Instant(nanoseconds: 0))
        let hello = Hello(build: build, incarnation: 1, threads: 1, processID: 7, processName: "far")
        _ = core.onMessage(.hello(hello), from: PeerID(rawValue: 1), now: Instant(nanoseconds: 0))
        return try #require(core.workers.first)
    }

    private func partials(_ times: WorkTimes) -> Partials {
        let lease = ShardLease(
            run: RunID(high: 1, low: 1), step: 3, shard: 0, lease: 1, range: MicrobatchRange(first: 0, count: 1),
            extent: StepExtent(examples: 8, examplesPerMicrobatch: 8), imagesPerExample: 2)
        return Partials(answering: lease, times: times, weights: 0, nodes: [])
    }

    /// The durations in microseconds of what one answer leaves, by name.
    private func durations(sentAgo: UInt64, _ times: (_ now: UInt64) -> WorkTimes) throws -> [String: Double] {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let trace = try StepTrace(path: path) { Issue.record("\($0)") }
        let now = MonotonicClock.now()
        try trace.note(partials(times(now)), of: worker(), sent: now - sentAgo)
        trace.finish()
        let bytes = try #require(FileManager.default.contents(atPath: path))
        let events = try #require(JSONValue(parsing: Array(bytes)).array).filter { $0["ph"]?.string == "X" }
        return Dictionary(
            events.compactMap { event in event["name"]?.string.map { ($0, event["dur"]?.number ?? -1) } },
            uniquingKeysWith: { first, _ in first })
    }

    private func times(_ ready: UInt64, _ ended: UInt64) -> WorkTimes {
        WorkTimes(
            idle: Instant(nanoseconds: 0), ready: Instant(nanoseconds: ready), began: Instant(nanoseconds: ready),
            ended: Instant(nanoseconds: ended))
    }

    @Test func theClockOfThisMachineIsTakenAsItIs() throws {
        let durations = try durations(sentAgo: 9_000_000) { now in times(now - 8_000_000, now - 1_000_000) }
        #expect(durations["receive"] == 1000 && durations["compute"] == 7000)
        #expect(try #require(durations["send"]) >= 1000)
    }

    @Test func anotherMachinesClockIsPutBetweenSendingAndArrival() throws {
        // Of 9 ms or a little more, 7 were computing: the two ways share the rest.
        let durations = try durations(sentAgo: 9_000_000) { _ in times(5_000_000_000_000_000, 5_000_000_007_000_000) }
        let (receive, send) = (try #require(durations["receive"]), try #require(durations["send"]))
        #expect(durations["compute"] == 7000 && receive >= 1000 && abs(receive - send) < 1)
    }

    @Test func senselessTimesLeaveNothing() throws {
        #expect(try durations(sentAgo: 1000) { _ in times(.max, 0) }["compute"] == nil)
    }
}
