// The books on one worker: what its times mean, and that they neither grow nor believe nonsense.

import Coordination
import Testing

@Suite struct WorkerCountersTests {
    /// A worker that is sent a shard every 100 ms from 1 s on, and computes the n-th for n ms; 4 ms are on the wire.
    private func counters(shards: UInt64) -> WorkerCounters {
        var counters = WorkerCounters()
        for number in 0..<shards {
            let (sent, computing) = (1000 + 100 * number, number + 1)
            // The worker's clock is another one.
            let times = WorkTimes(
                idle: at(0), ready: at(70_000), began: at(70_000), ended: at(70_000 + computing))
            counters.answered(
                step: 1 + number / 2, images: 10, times, sent: at(sent), arrived: at(sent + computing + 4))
        }
        return counters
    }

    private func at(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    @Test func timesAreWhatTheyAre() throws {
        let recent = counters(shards: 20).recent
        #expect(recent.compute == Percentiles(median: 0.01, p95: 0.019))
        #expect(recent.wire == Percentiles(median: 0.004, p95: 0.004))
        // After the n-th shard it waits for 100 - n - 4 ms; there are 19 pauses.
        #expect(recent.wait == Percentiles(median: 0.086, p95: 0.095))
        // 200 images in 1 + 2 + … + 20 ms of computing and 20 times 4 ms of wire.
        let speed = try #require(recent.imagesPerSecond)
        #expect(abs(speed - 200 / 0.290) < 1e-6)
    }

    @Test func twoShardsOfOneStepAreOneStep() {
        let counters = counters(shards: 20)
        #expect(counters.steps == 10 && counters.shards == 20 && counters.images == 200)
    }

    @Test func onlyTheLastShardsCount() throws {
        let all = counters(shards: 1000)
        #expect(all.shards == 1000)
        // Shards 873 to 1000.
        #expect(all.recent.compute == Percentiles(median: 0.936, p95: 0.994))
    }

    @Test func aShardThatHadToQueueSaysNothingOfTheWire() {
        var counters = WorkerCounters()
        let times = WorkTimes(idle: at(0), ready: at(1), began: at(1), ended: at(9))
        counters.answered(step: 1, images: 1, times, sent: nil, arrived: at(20))
        #expect(counters.recent.wire == nil && counters.recent.wait == nil)
        #expect(counters.recent.compute == Percentiles(median: 0.008, p95: 0.008))
    }

    @Test(arguments: [(UInt64.max, UInt64(0)), (0, .max), (.max, .max)])
    func senselessTimesDoNoHarm(ready: UInt64, ended: UInt64) throws {
        var counters = WorkerCounters()
        let (ready, ended) = (Instant(nanoseconds: ready), Instant(nanoseconds: ended))
        let times = WorkTimes(idle: ready, ready: ready, began: ready, ended: ended)
        counters.answered(step: 1, images: .max, times, sent: at(5), arrived: at(4))
        let compute = try #require(counters.recent.compute)
        #expect((0...4300).contains(compute.p95) && counters.recent.wire?.p95 == 0)
    }

    @Test func withoutAnswersThereIsNothingToSay() {
        let recent = WorkerCounters().recent
        #expect(recent.compute == nil && recent.imagesPerSecond == nil)
    }
}
