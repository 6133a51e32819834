// The times of the last shards of one worker, in a ring: what percentiles and the present speed are taken from. After its first
// lap it allocates nothing, whatever comes.

/// The last `capacity` answered shards.
package struct RecentShards: Equatable, Sendable {
    package static let capacity = 128

    struct Entry: Equatable, Sendable {
        let step: UInt64
        let images: UInt32
        /// Microseconds; `unknown` where nobody can tell.
        let compute: UInt32
        let wait: UInt32
        let wire: UInt32

        static let unknown = UInt32.max
    }

    /// In the order of their coming until it is full; from then on the oldest is at `next`.
    private(set) var entries: [Entry] = []
    private var next = 0

    package init() {}

    mutating func append(step: UInt64, images: Int, compute: Duration, wait: Duration?, wire: Duration?) {
        let entry = Entry(
            step: step, images: UInt32(clamping: images), compute: microseconds(compute), wait: microseconds(wait),
            wire: microseconds(wire))
        if entries.count < Self.capacity {
            if entries.isEmpty { entries.reserveCapacity(Self.capacity) }
            entries.append(entry)
        } else {
            entries[next] = entry
            next = (next + 1) % Self.capacity
        }
    }

    package var compute: Percentiles? { percentiles(\.compute) }
    package var wait: Percentiles? { percentiles(\.wait) }
    package var wire: Percentiles? { percentiles(\.wire) }

    /// While it had a shard, computing it or waiting for its way through the wire; nil before the first answer.
    package var imagesPerSecond: Double? {
        var (images, microseconds) = (0.0, 0.0)
        for entry in entries {
            images += Double(entry.images)
            microseconds += Double(entry.compute) + (entry.wire == Entry.unknown ? 0 : Double(entry.wire))
        }
        return microseconds > 0 ? images / microseconds * 1e6 : nil
    }

    var newestStep: UInt64? { entries.map(\.step).max() }

    /// Images of the shards of these steps.
    func images(after step: UInt64) -> UInt64 {
        entries.reduce(0) { $0 + ($1.step > step ? UInt64($1.images) : 0) }
    }

    private func percentiles(_ time: KeyPath<Entry, UInt32>) -> Percentiles? {
        Percentiles(of: entries.map { $0[keyPath: time] }.filter { $0 != Entry.unknown })
    }
}

/// Of the last shards of a worker, in seconds.
package struct Percentiles: Equatable, Sendable {
    package let median: Double
    /// Of 20 shards 19 took no longer.
    package let p95: Double

    package init(median: Double, p95: Double) {
        self.median = median
        self.p95 = p95
    }

    /// By nearest rank, so that both are times that were measured; nil if there are none.
    init?(of microseconds: [UInt32]) {
        guard !microseconds.isEmpty else { return nil }
        let sorted = microseconds.sorted()
        func rank(_ percent: Int) -> Double { Double(sorted[(sorted.count * percent + 99) / 100 - 1]) / 1e6 }
        self.init(median: rank(50), p95: rank(95))
    }
}

/// At most what 32 bits hold, 71 minutes, and never `unknown` for something known.
private func microseconds(_ duration: Duration?) -> UInt32 {
    duration.map { UInt32(min($0.nanoseconds / 1000, UInt64(RecentShards.Entry.unknown - 1))) }
        ?? RecentShards.Entry.unknown
}
