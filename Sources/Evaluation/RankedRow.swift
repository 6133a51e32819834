// One query's distances to all references, counted and put in order. Memory of one thread, used for query after query.

/// Where a thread works. `keys` are the bit patterns of squared distances, which order as unsigned integers do: zero first,
/// infinity, then what is no number.
final class RankedRow {
    /// A reference that must not be found: the query itself.
    static let excluded = UInt32.max

    private let bins: DistanceBins
    private let count: Int
    /// Distances of this query: [class is another, the same][bin].
    private let row: UnsafeMutablePointer<UInt32>
    /// Distances of all queries so far.
    private let totals: UnsafeMutablePointer<UInt64>
    /// key << 32 | index of a reference.
    private let candidates: UnsafeMutablePointer<UInt64>
    private let scratch: UnsafeMutablePointer<UInt64>
    private let digits: UnsafeMutablePointer<UInt32>

    private static let digitBits: UInt64 = 11
    private static let digitCount = 1 << 11

    init(bins: DistanceBins, references count: Int) {
        self.bins = bins
        self.count = count
        row = .allocate(capacity: 2 * bins.count)
        row.initialize(repeating: 0, count: 2 * bins.count)
        totals = .allocate(capacity: 2 * bins.count)
        totals.initialize(repeating: 0, count: 2 * bins.count)
        candidates = .allocate(capacity: count + 1)
        scratch = .allocate(capacity: count + 1)
        digits = .allocate(capacity: Self.digitCount)
    }

    deinit {
        row.deallocate()
        totals.deallocate()
        candidates.deallocate()
        scratch.deallocate()
        digits.deallocate()
    }

    /// The pairs of all rows so far.
    var histogram: PairHistogram {
        var histogram = PairHistogram(bins)
        for bin in 0..<bins.count {
            histogram.different[bin] = totals[bin]
            histogram.same[bin] = totals[bins.count + bin]
        }
        return histogram
    }

    /// Counts a row, and finds its nearest.
    /// - Parameters:
    ///   - keys: one per reference; `excluded` at most once, where the label is the query's
    ///   - wanted: at most as many as there are references that are not excluded
    /// - Returns: at least `wanted` of key << 32 | index, ascending: of equal distances the lower index comes first. Valid until
    ///   the next row
    func nearest(
        _ wanted: Int, keys: UnsafePointer<UInt32>, labels: UnsafePointer<UInt8>, label: UInt8, hasExcluded: Bool
    ) -> UnsafeBufferPointer<UInt64> {
        countRow(keys, labels, label)
        if hasExcluded { row[2 * bins.count - 1] -= 1 }
        let limit = bins.greatestKey(lastBin(of: wanted))
        addRow()
        guard wanted > 0 else { return UnsafeBufferPointer(start: candidates, count: 0) }
        let found = gather(keys, upTo: limit)
        return UnsafeBufferPointer(start: sort(found), count: found)
    }

    private func countRow(_ keys: UnsafePointer<UInt32>, _ labels: UnsafePointer<UInt8>, _ label: UInt8) {
        let (row, bins, width) = (row, bins, bins.count)
        for index in 0..<count {
            let side = labels[index] == label ? width : 0
            row[side &+ bins.bin(of: keys[index])] &+= 1
        }
    }

    /// The first bin at which `wanted` references have been counted.
    private func lastBin(of wanted: Int) -> Int {
        var sum = 0
        for bin in 0..<bins.count {
            sum += Int(row[bin] &+ row[bins.count &+ bin])
            if sum >= wanted { return bin }
        }
        return bins.count - 1
    }

    private func addRow() {
        let (row, totals) = (row, totals)
        for bin in 0..<2 * bins.count {
            totals[bin] &+= UInt64(row[bin])
            row[bin] = 0
        }
    }

    private func gather(_ keys: UnsafePointer<UInt32>, upTo limit: UInt32) -> Int {
        let candidates = candidates
        var found = 0
        for index in 0..<count {
            let key = keys[index]
            // Written always, counted sometimes: no branch to be guessed wrongly.
            candidates[found] = UInt64(key) << 32 | UInt64(UInt32(truncatingIfNeeded: index))
            found &+= key <= limit ? 1 : 0
        }
        return found
    }

    /// Sorts the candidates by key: a radix sort from the lowest digit, which keeps the order of equal keys, that of the index.
    private func sort(_ count: Int) -> UnsafeMutablePointer<UInt64> {
        var (from, to) = (candidates, scratch)
        for shift in stride(from: UInt64(32), to: 64, by: Int(Self.digitBits)) {
            digits.update(repeating: 0, count: Self.digitCount)
            let mask = UInt64(Self.digitCount - 1)
            for index in 0..<count { digits[Int(truncatingIfNeeded: from[index] &>> shift & mask)] &+= 1 }
            // All have one digit: nothing to move.
            if count > 0, Int(digits[Int(from[0] >> shift & mask)]) == count { continue }
            var start: UInt32 = 0
            for digit in 0..<Self.digitCount {
                let size = digits[digit]
                digits[digit] = start
                start &+= size
            }
            for index in 0..<count {
                let entry = from[index]
                let digit = Int(truncatingIfNeeded: entry &>> shift & mask)
                to[Int(digits[digit])] = entry
                digits[digit] &+= 1
            }
            (from, to) = (to, from)
        }
        return from
    }
}
