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
struct PairLoss<Miner: PairMiner, Cost: PairCost>: BatchLoss {
    let miner: Miner
    let cost: Cost

    func evaluate(_ batch: BatchView, slopes: PairMatrix) -> LossSums {
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
            let strangers = (0..<batch.count).count { batch.labels[$0] != batch.labels[i] }
            var draw = 0
            for j in i + 1..<max(batch.count, i + 1) where batch.labels[j] == batch.labels[i] {
                body(i, j, true)
                guard strangers > 0 else { continue }
                var left = batch.draws.integer(row: i, draw: draw, below: strangers)
                draw += 1
                for k in 0..<batch.count where batch.labels[k] != batch.labels[i] {
                    if left == 0 { body(i, k, false) }
                    left -= 1
                    if left < 0 { break }
                }
            }
        }
    }
}

/// Every pair of the same class, and as many of different classes (or all, if there are fewer): the closest. Of equally distant ones
/// those that come first by (i, j).
struct HardNegativePairs: PairMiner {
    func forEachPair(in batch: BatchView, _ body: (Int, Int, Bool) -> Void) {
        var wanted = 0
        var keys: [UInt32] = []
        keys.reserveCapacity(batch.count * batch.count / 2)
        for i in 0..<batch.count {
            let row = batch.distances.floats(i)
            for j in i + 1..<max(batch.count, i + 1) {
                if batch.labels[j] == batch.labels[i] {
                    wanted += 1
                    body(i, j, true)
                } else {
                    keys.append(row[j].bitPattern)
                }
            }
        }
        guard wanted > 0, !keys.isEmpty else { return }
        let (threshold, ofWhich) = Self.threshold(keys, smallest: wanted)
        var left = ofWhich
        for i in 0..<batch.count {
            let row = batch.distances.floats(i)
            for j in i + 1..<max(batch.count, i + 1) where batch.labels[j] != batch.labels[i] {
                let key = row[j].bitPattern
                if key < threshold {
                    body(i, j, false)
                } else if key == threshold, left > 0 {
                    left -= 1
                    body(i, j, false)
                }
            }
        }
    }

    /// The largest of the `smallest` smallest keys, and how many of its value belong to them. Distances are not negative, so that
    /// their bit patterns are in their order. By counting, eleven bits at a time, so that no key is moved.
    private static func threshold(_ keys: [UInt32], smallest count: Int) -> (key: UInt32, count: Int) {
        var left = min(count, keys.count)
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
        return (prefix, left)
    }
}
