// The worker in the coordinator's own process (`--workers 0`): how it differs from one behind a socket.

import Coordination
import Runtime
import TestKit
import Testing

@Suite struct InProcessLinkTests {
    /// Nobody can speak to it while it computes: silence must not look like a link that has broken.
    @Test func anHourOfComputingIsNoSilence() {
        let start = Instant(nanoseconds: 1_000_000_000)
        var worker = WorkerCore(
            configuration: InProcessLink.configuration(build: Samples.build, threads: 1), now: start)
        _ = worker.onStart(now: start)
        let run = RunID(high: 1, low: 2)
        _ = worker.onMessage(.welcome(Welcome(run: run, parameterCount: 5, jobDescription: [])), now: start)
        var now = start
        for second in 1...3600 as ClosedRange<UInt64> {
            now = start + .seconds(second)
            _ = worker.onProgress(lease: 1, microbatchesDone: 1, now: now)
        }
        let actions = worker.onDeadline(now: now)
        #expect(worker.run == run)
        #expect(actions.count == 1, "\(actions)")
        guard case .send(.progress)? = actions.first else {
            Issue.record("it does something else than to say that it is alive: \(actions)")
            return
        }
    }
}
