// What a worker has done so far, and how long its last shards took. For people: nothing is decided by it.

/// The books on one worker, from its welcome to its end. Their size is fixed once `RecentShards.capacity` shards were answered.
package struct WorkerCounters: Equatable, Sendable {
    /// Steps that it has answered a shard of.
    package private(set) var steps: UInt64 = 0
    package private(set) var shards: UInt64 = 0
    package private(set) var images: UInt64 = 0
    /// Leases that were given to somebody else as well because they were late.
    package internal(set) var late: UInt64 = 0
    package internal(set) var failures: UInt64 = 0
    /// Answers that somebody else confirmed, bit for bit.
    package internal(set) var confirmed: UInt64 = 0
    package private(set) var recent = RecentShards()
    private var lastStep: UInt64?
    /// When its last answer came.
    private var lastArrival: Instant?

    package init() {}

    /// An answer is here, in time or not.
    ///
    /// - Parameters:
    ///   - times: by the worker's clock, of which only differences mean something, and which may claim anything
    ///   - sent: when the last message that it needed left; nil if it had other shards to do first
    package mutating func answered(
        step: UInt64, images count: Int, _ times: WorkTimes, sent: Instant?, arrived: Instant
    ) {
        shards += 1
        images += UInt64(count)
        if lastStep != step { steps += 1 }
        lastStep = step
        let wait = sent.flatMap { sent in lastArrival.map { sent - $0 } }
        // From sending to arrival, without the time that it was in the worker's hands: on the way there and back.
        let wire = sent.map { (arrived - $0).minus(times.ended - times.ready) }
        lastArrival = arrived
        recent.append(step: step, images: count, compute: times.computing, wait: wait, wire: wire)
    }
}

extension Duration {
    /// Zero where `other` is longer.
    fileprivate func minus(_ other: Duration) -> Duration {
        Duration(nanoseconds: nanoseconds > other.nanoseconds ? nanoseconds - other.nanoseconds : 0)
    }
}
