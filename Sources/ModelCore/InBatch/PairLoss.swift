// Losses over pairs of a batch: which pairs (a miner), what a pair costs (a cost), put together.
internal import Kernels

/// Chooses pairs of a batch.
package protocol PairMiner {
    /// What has to be known of the whole batch before a row's pairs can be chosen.
    associatedtype Plan = Void

    func plan(_ batch: BatchView) -> Plan

    /// Calls `body(j, isSame)` with j ≠ row for every chosen pair of this row and a row j, in a fixed order. Rows are asked in any order,
    /// several at once.
    func forEachPair(of row: Int, in batch: BatchView, _ plan: Plan, _ body: (Int, Bool) -> Void)
}

extension PairMiner where Plan == Void {
    package func plan(_ batch: BatchView) {}
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
        let plan = miner.plan(batch)
        return batch.sumOverRows { rows, sums in
            for row in rows {
                let (distances, slopeOf) = (batch.distances.floats(row), slopes.floats(row))
                miner.forEachPair(of: row, in: batch, plan) { other, isSame in
                    let (value, slope) = cost.cost(distance: distances[other], isSame: isSame)
                    sums[row].add(value)
                    slopeOf[other] += slope
                }
            }
        }
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
    func forEachPair(of row: Int, in batch: BatchView, _: Void, _ body: (Int, Bool) -> Void) {
        let strangers = batch.strangerCount(of: row)
        var draw = 0
        for other in batch.members(of: row) where other > row {
            body(Int(other), true)
            guard strangers > 0 else { continue }
            body(batch.stranger(batch.draws.integer(row: row, draw: draw, below: strangers), of: row), false)
            draw += 1
        }
    }
}

/// Every pair of the same class, and as many of different classes (or all, if there are fewer): the closest. Of equally distant ones
/// those that come first by (i, j).
struct HardNegativePairs: PairMiner {
    struct Plan {
        /// Pairs of different classes are chosen up to this distance.
        var threshold: Float
        /// How many of a row's pairs are chosen that lie just there: [row].
        var onThreshold: [Int]
    }

    func plan(_ batch: BatchView) -> Plan {
        let positives = (0..<batch.count).reduce(0) { $0 + batch.members(of: $1).count - 1 } / 2
        let strangers = (0..<batch.count).reduce(0) { $0 + batch.strangerCount(of: $1) } / 2
        let wanted = min(positives, strangers)
        guard wanted > 0 else { return Plan(threshold: -1, onThreshold: [Int](repeating: 0, count: batch.count)) }
        var (threshold, left) = Self.threshold(of: batch, smallest: wanted)
        let onThreshold = batch.map { rows in rows.map { Self.count(of: threshold, in: batch, row: $0) } }
        return Plan(
            threshold: threshold,
            onThreshold: onThreshold.joined().map { count in
                defer { left -= min(count, left) }
                return min(count, left)
            })
    }

    func forEachPair(of row: Int, in batch: BatchView, _ plan: Plan, _ body: (Int, Bool) -> Void) {
        for other in batch.members(of: row) where other > row { body(Int(other), true) }
        guard plan.threshold >= 0 else { return }
        let words = (batch.distances.rowVectors + 7) / 8
        let distances = batch.distances.floats(row)
        var left = plan.onThreshold[row]
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: words) { memory in
            guard let bits = memory.baseAddress else { return }
            _ = columns(
                below: plan.threshold.nextUp, in: batch.distances.row(row), vectors: batch.distances.rowVectors,
                into: bits)
            for member in batch.members(of: row) { bits[Int(member) / 64] &= ~(1 << UInt64(member % 64)) }
            bits[row / 64] &= ~0 << UInt64(row % 64)
            for word in row / 64..<words {
                while bits[word] != 0 {
                    let other = word * 64 + bits[word].trailingZeroBitCount
                    bits[word] &= bits[word] - 1
                    if distances[other] == plan.threshold {
                        guard left > 0 else { continue }
                        left -= 1
                    }
                    body(other, false)
                }
            }
        }
    }

    /// How many pairs (row, j > row) of different classes are `distance` apart.
    private static func count(of distance: Float, in batch: BatchView, row: Int) -> Int {
        let distances = batch.distances.floats(row)
        var count = 0
        forEachColumn(
            from: row + 1, in: batch.distances.row(row), vectors: batch.distances.rowVectors,
            matching: distance.bitPattern, known: .max
        ) { column in
            if column < batch.count { count += 1 }
        }
        for other in batch.members(of: row) where other > row && distances[Int(other)] == distance { count -= 1 }
        return count
    }

    /// The distance of the `count`-th closest pair of different classes, and how many pairs just that far apart are among the
    /// `count` closest. By counting bits, the highest first: distances are not negative, so that their bit patterns are in their order.
    private static func threshold(of batch: BatchView, smallest count: Int) -> (distance: Float, count: Int) {
        var rank = Rank(left: count)
        let highest = batch.map { rows in HighestDigits(of: batch, rows: rows).counts }
        rank.descend((0..<HighestDigits.size).map { digit in highest.reduce(0) { $0 + Int($1[digit]) } }, shift: 21)
        // Few have the same highest bits: these are looked at one by one.
        let keys = batch.map { rows in Self.keys(of: batch, rows: rows, prefix: rank.prefix) }.joined()
        for (shift, width) in [(10, 11), (0, 10)] {
            var counts = [Int](repeating: 0, count: 1 << width)
            let (prefix, known) = (rank.prefix, ~UInt32(0) << UInt32(shift + width))
            for key in keys where key & known == prefix { counts[Int(key >> UInt32(shift)) & (counts.count - 1)] += 1 }
            rank.descend(counts, shift: shift)
        }
        return (Float(bitPattern: rank.prefix), rank.left)
    }

    /// The bit patterns of the distances of the pairs (i, j > i) of different classes of these rows that begin with `prefix`.
    private static func keys(of batch: BatchView, rows: Range<Int>, prefix: UInt32) -> [UInt32] {
        let known = ~UInt32(0) << 21
        var keys: [UInt32] = []
        for row in rows {
            let members = batch.members(of: row)
            let distances = batch.distances.floats(row)
            var member = members.firstIndex { $0 > row } ?? members.count
            forEachColumn(
                from: row + 1, in: batch.distances.row(row), vectors: batch.distances.rowVectors, matching: prefix,
                known: known
            ) { column in
                while member < members.count, members[member] < column { member += 1 }
                guard column < batch.count, member == members.count || members[member] != column else { return }
                keys.append(distances[column].bitPattern)
            }
        }
        return keys
    }
}

/// The search for the smallest of many keys by their bits: what is known of it, and its number among those of which the same is known.
private struct Rank {
    var left: Int
    var prefix: UInt32 = 0

    /// - Parameter counts: how many keys there are of each digit at `shift`, among those with this prefix
    mutating func descend(_ counts: [Int], shift: Int) {
        var digit = 0
        while counts[digit] < left {
            left -= counts[digit]
            digit += 1
        }
        prefix |= UInt32(digit) << UInt32(shift)
    }
}

/// How often the highest eleven bits of a distance are found among the pairs (i, j > i) of different classes of some rows.
private struct HighestDigits {
    static let size = 1 << 11
    private(set) var counts: [Int32]

    init(of batch: BatchView, rows: Range<Int>) {
        // Neighbours often have the same digit: in one table, an addition would wait for the one before.
        var tables = [Int32](repeating: 0, count: 4 * Self.size)
        let count = batch.count
        tables.withUnsafeMutableBufferPointer { tables in
            guard let tables = tables.baseAddress else { return }
            for row in rows {
                let bits = UnsafeRawPointer(batch.distances.row(row)).assumingMemoryBound(to: UInt32.self)
                var column = row + 1
                while column + 4 <= count {
                    for table in 0..<4 { tables[table * Self.size + Int(bits[column + table] >> 21)] += 1 }
                    column += 4
                }
                while column < count {
                    tables[Int(bits[column] >> 21)] += 1
                    column += 1
                }
                for other in batch.members(of: row) where other > row { tables[Int(bits[Int(other)] >> 21)] -= 1 }
            }
        }
        counts = (0..<Self.size).map { digit in (0..<4).reduce(0) { $0 + tables[$1 * Self.size + digit] } }
    }
}
