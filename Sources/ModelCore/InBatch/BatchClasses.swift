// The rows of a batch by class, so that no miner has to look for the partners of a row.

/// For every row the rows of its class. Not thread-safe; memory for one size of batch.
final class BatchClasses {
    private let count: Int
    /// All rows, class by class, ascending within a class.
    private let grouped: UnsafeMutablePointer<Int32>
    /// Where the class of a row begins and ends in `grouped`: [row].
    private let starts: UnsafeMutablePointer<Int32>
    private let ends: UnsafeMutablePointer<Int32>

    init(count: Int) {
        self.count = count
        (grouped, starts, ends) = (.allocate(capacity: count), .allocate(capacity: count), .allocate(capacity: count))
        for memory in [grouped, starts, ends] { memory.initialize(repeating: 0, count: count) }
    }

    deinit {
        for memory in [grouped, starts, ends] { memory.deallocate() }
    }

    /// - Parameter labels: as many as there is room for
    func group(_ labels: UnsafePointer<Int32>) {
        // Numbers sort faster than pairs of them.
        var keys = (0..<count).map { Int64(labels[$0]) << 32 | Int64($0) }
        keys.sort()
        let rows = keys.map { Int32(truncatingIfNeeded: $0) }
        var start = 0
        while start < count {
            var end = start
            while end < count, labels[Int(rows[end])] == labels[Int(rows[start])] { end += 1 }
            for place in start..<end {
                grouped[place] = rows[place]
                (starts[Int(rows[place])], ends[Int(rows[place])]) = (Int32(start), Int32(end))
            }
            start = end
        }
    }

    /// All rows of the class of `row`, itself among them, ascending.
    func members(of row: Int) -> UnsafeBufferPointer<Int32> {
        UnsafeBufferPointer(start: grouped + Int(starts[row]), count: Int(ends[row] - starts[row]))
    }
}
