// How fast a worker has been of late. Decides how much it gets, never what comes out.

/// Microbatches per second (losses and gradients of them: half a step counts as half of one) as an exponential average of what was measured; nil before the first answer.
package struct WorkerSpeed: Equatable, Sendable {
    static let newestWeight = 0.25
    /// A worker that got nothing in a step is believed to be this much faster in the next, so that one bad measurement
    /// does not exclude it for ever.
    static let idleOptimism = 1.05

    package private(set) var microbatchesPerSecond: Double?

    /// Learns from one answer. The worker's own compute time counts, since the wire costs the same for a small shard as
    /// for a large one; but at least half of the `turnaround` (nil where the shard had to queue), for a worker whose
    /// shards travel longer than they compute. Averaging rates, not times, keeps one hiccup from weighing much.
    mutating func measure(microbatches: Double, computeTime: Duration, turnaround: Duration?) {
        let seconds = max(computeTime.seconds, (turnaround?.seconds ?? 0) / 2, 1e-6)
        let rate = microbatches / seconds
        microbatchesPerSecond = microbatchesPerSecond.map { $0 + Self.newestWeight * (rate - $0) } ?? rate
    }

    mutating func stayedIdle() {
        microbatchesPerSecond = microbatchesPerSecond.map { $0 * Self.idleOptimism }
    }
}
