// Losses over pairs of a batch: which pairs (a miner), what a pair costs (a cost), put together.
internal import Kernels

/// Chooses pairs of a batch.
package protocol PairMiner {
    /// Calls `body(i, j, isSame)` with i ≠ j for every chosen pair, in a fixed order.
    func forEachPair(in batch: BatchView, _ body: (Int, Int, Bool) -> Void)
}

/// What a pair costs.
package protocol PairCost {
    /// The cost of a pair at this distance, and how much it grows with it.
    func cost(distance: Float, isSame: Bool) -> (value: Float, slope: Float)
}

/// The summed cost of the chosen pairs.
package struct PairLoss<Miner: PairMiner, Cost: PairCost>: BatchLoss {
    let miner: Miner
    let cost: Cost

    package init(miner: Miner, cost: Cost) {
        self.miner = miner
        self.cost = cost
    }

    package func evaluate(_ batch: BatchView, slopes: PairMatrix) -> LossSums {
        var sums = LossSums()
        miner.forEachPair(in: batch) { i, j, isSame in
            let (value, slope) = cost.cost(distance: batch.distances.floats(i)[j], isSame: isSame)
            sums.add(value)
            slopes.floats(i)[j] += slope
        }
        return sums
    }
}

/// ½d² for a pair of the same class, ½·max(0, margin − d)² for others (Hadsell et al. 2006, equation 4).
struct ContrastiveCost: PairCost {
    let margin: Float

    func cost(distance: Float, isSame: Bool) -> (value: Float, slope: Float) {
        if isSame { return (0.5 * distance * distance, distance) }
        let gap = distance > margin ? 0 : margin - distance
        return (0.5 * gap * gap, -gap)
    }
}

/// Every pair of the same class; for each of them its first vector with one of another class, drawn at random.
struct AllPositivePairs: PairMiner {
    func forEachPair(in batch: BatchView, _ body: (Int, Int, Bool) -> Void) {
        for i in 0..<batch.count {
            let strangers = batch.strangerCount(of: i)
            var draw = 0
            for j in batch.members(of: i) where j > i {
                body(i, Int(j), true)
                guard strangers > 0 else { continue }
                body(i, batch.stranger(batch.draws.integer(row: i, draw: draw, below: strangers), of: i), false)
                draw += 1
            }
        }
    }
}

/// Every pair of the same class, and as many of different classes (or all, if there are fewer): the closest. Of equally distant ones
/// those that come first by (i, j).
struct HardNegativePairs: PairMiner {
    func forEachPair(in batch: BatchView, _ body: (Int, Int, Bool) -> Void) {
        var wanted = 0
        for i in 0..<batch.count {
            for j in batch.members(of: i) where j > i {
                wanted += 1
                body(i, Int(j), true)
            }
        }
        let strangers = (0..<batch.count).reduce(0) { $0 + batch.strangerCount(of: $1) } / 2
        wanted = min(wanted, strangers)
        guard wanted > 0 else { return }
        withUnsafeTemporaryAllocation(of: Lanes.self, capacity: batch.distances.rowVectors) { memory in
            guard let negatives = memory.baseAddress else { return }
            let (threshold, ofThem) = Self.threshold(Self.keys(of: batch, negatives), smallest: wanted)
            closest(batch, negatives, threshold, ofThem, body)
        }
    }

    /// All pairs of different classes below the threshold, and the first `ofThem` that lie on it.
    private func closest(
        _ batch: BatchView, _ negatives: UnsafeMutablePointer<Lanes>, _ threshold: Float, _ ofThem: Int,
        _ body: (Int, Int, Bool) -> Void
    ) {
        let words = (batch.distances.rowVectors + 7) / 8
        let floats = UnsafeMutableRawPointer(negatives).assumingMemoryBound(to: Float.self)
        var left = ofThem
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: words) { memory in
            guard let bits = memory.baseAddress else { return }
            for i in 0..<batch.count {
                batch.fillNegatives(of: i, into: negatives)
                _ = columns(below: threshold.nextUp, in: negatives, vectors: batch.distances.rowVectors, into: bits)
                bits[i / 64] &= ~0 << UInt64(i % 64)
                for word in i / 64..<words {
                    while bits[word] != 0 {
                        let j = word * 64 + bits[word].trailingZeroBitCount
                        bits[word] &= bits[word] - 1
                        if floats[j] == threshold {
                            guard left > 0 else { continue }
                            left -= 1
                        }
                        body(i, j, false)
                    }
                }
            }
        }
    }

    /// The distances of all pairs, as they lie in the rows, as bit patterns: of pairs of one class +∞. Distances are not negative, so
    /// that their bit patterns are in their order.
    private static func keys(of batch: BatchView, _ negatives: UnsafeMutablePointer<Lanes>) -> [UInt32] {
        let count = batch.count
        return [UInt32](unsafeUninitializedCapacity: count * (count - 1) / 2) { keys, filled in
            let bits = UnsafeMutableRawPointer(negatives).assumingMemoryBound(to: UInt32.self)
            for i in 0..<count {
                batch.fillNegatives(of: i, into: negatives)
                for j in i + 1..<max(count, i + 1) {
                    keys[filled] = bits[j]
                    filled += 1
                }
            }
        }
    }

    /// The largest of the `smallest` smallest keys, and how many of its value belong to them. By counting, eleven bits at a time.
    private static func threshold(_ keys: [UInt32], smallest count: Int) -> (distance: Float, count: Int) {
        var left = count
        var (prefix, known): (UInt32, UInt32) = (0, 0)
        for shift in [UInt32(21), 10, 0] {
            let width: UInt32 = shift == 0 ? 10 : 11
            var counts = [Int](repeating: 0, count: 1 << width)
            let mask = UInt32(counts.count - 1)
            for key in keys where key & known == prefix { counts[Int((key >> shift) & mask)] += 1 }
            var digit = 0
            while counts[digit] < left {
                left -= counts[digit]
                digit += 1
            }
            prefix |= UInt32(digit) << shift
            known |= mask << shift
        }
        return (Float(bitPattern: prefix), left)
    }
}
