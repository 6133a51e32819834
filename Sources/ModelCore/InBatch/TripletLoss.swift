// Losses over triplets of a batch. There are B³ of them, so none is ever listed: a miner looks at one anchor and one positive, and
// at all negatives at once.
internal import Kernels

/// The distances of an anchor from all vectors of other classes, as a miner sees them.
package struct AnchorRow {
    package let anchor: Int
    package let draws: SelectionDraws
    /// [column]: distances from all vectors of other classes; +∞ for the others and the padding.
    let negatives: UnsafeMutablePointer<Lanes>
    /// Vectors of `negatives`.
    let vectors: Int
    /// Room for a bit of every column.
    fileprivate let bits: UnsafeMutablePointer<UInt64>
    /// The first column whose distance is smallest; nil: all vectors are of one class.
    package private(set) var closest: (column: Int, distance: Float)?

    fileprivate init(
        _ batch: BatchView, anchor: Int, negatives: UnsafeMutablePointer<Lanes>, bits: UnsafeMutablePointer<UInt64>
    ) {
        self.anchor = anchor
        draws = batch.draws
        self.negatives = negatives
        vectors = batch.distances.rowVectors
        self.bits = bits
        batch.fillNegatives(of: anchor, into: negatives)
        closest = Self.closest(in: negatives, vectors: vectors)
    }

    private static func closest(
        in negatives: UnsafePointer<Lanes>, vectors: Int
    ) -> (column: Int, distance: Float)? {
        let distance = smallestValue(above: -1, in: negatives, vectors: vectors)
        guard distance < .infinity, let column = firstColumn(of: distance, in: negatives, vectors: vectors) else {
            return nil
        }
        return (column, distance)
    }

    /// For each positive the first column whose distance is smallest among those farther away than the positive; −1: there is none
    /// within the margin.
    func closestBeyond(_ positives: PositiveRow, into columns: UnsafeMutablePointer<Int32>) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: positives.count) { values in
            guard let values = values.baseAddress else { return }
            smallestValues(
                aboveEach: positives.distances, count: positives.count, in: negatives, vectors: vectors,
                values: values)
            // Neighbours among the positives often have the same negative.
            var (value, column) = (Float.infinity, Int32(-1))
            for index in 0..<positives.count {
                let isWithin = values[index] < positives.distances[index] + positives.margin
                if isWithin, values[index] != value {
                    value = values[index]
                    column = firstColumn(of: value, in: negatives, vectors: vectors).map { Int32($0) } ?? -1
                }
                columns[index] = isWithin ? column : -1
            }
        }
    }

    /// For each positive one of the columns within the margin, each with the same probability; −1: there is none.
    func randomWithin(_ positives: PositiveRow, into columns: UnsafeMutablePointer<Int32>) {
        var words = SIMD4<UInt32>.zero
        for index in 0..<positives.count {
            if index % 2 == 0 { words = draws.words(row: anchor, pair: index / 2) }
            let bound = positives.distances[index] + positives.margin
            let count = Kernels.columns(below: bound, in: negatives, vectors: vectors, into: bits)
            columns[index] =
                count > 0
                ? Int32(place(ofBit: RandomStream.integer(of: words, which: index % 2, below: count), in: bits)) : -1
        }
    }
}

/// The vectors of the anchor's class, in their order, as a miner sees them.
package struct PositiveRow {
    package let count: Int
    /// [positive]: from the anchor.
    package let distances: UnsafePointer<Float>
    package let margin: Float
}

/// Chooses a negative for each positive of an anchor.
package protocol TripletMiner {
    /// - Parameter columns: [positive]; gets the column of the negative, −1: no triplet
    func choose(_ row: AnchorRow, for positives: PositiveRow, into columns: UnsafeMutablePointer<Int32>)
}

struct HardestNegative: TripletMiner {
    func choose(_ row: AnchorRow, for positives: PositiveRow, into columns: UnsafeMutablePointer<Int32>) {
        for index in 0..<positives.count {
            let bound = positives.distances[index] + positives.margin
            columns[index] = row.closest.map { $0.distance < bound ? Int32($0.column) : -1 } ?? -1
        }
    }
}

struct SemiHardNegative: TripletMiner {
    func choose(_ row: AnchorRow, for positives: PositiveRow, into columns: UnsafeMutablePointer<Int32>) {
        row.closestBeyond(positives, into: columns)
    }
}

struct RandomHardNegative: TripletMiner {
    func choose(_ row: AnchorRow, for positives: PositiveRow, into columns: UnsafeMutablePointer<Int32>) {
        row.randomWithin(positives, into: columns)
    }
}

/// Σ max(0, d(a, p) − d(a, n) + margin) over the chosen triplets (Schroff et al. 2015, equation 3).
package struct TripletLoss<Miner: TripletMiner>: BatchLoss {
    let miner: Miner
    let margin: Float

    package init(miner: Miner, margin: Float) {
        self.miner = miner
        self.margin = margin
    }

    package func evaluate(_ batch: BatchView, slopes: PairMatrix) -> LossSums {
        sumOverAnchors(of: batch) { row, sums in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: batch.count) { floats in
                withUnsafeTemporaryAllocation(of: Int32.self, capacity: batch.count) { columns in
                    guard let floats = floats.baseAddress, let columns = columns.baseAddress else { return }
                    let distances = batch.distances.floats(row.anchor)
                    var count = 0
                    for member in batch.members(of: row.anchor) where Int(member) != row.anchor {
                        floats[count] = distances[Int(member)]
                        count += 1
                    }
                    miner.choose(
                        row, for: PositiveRow(count: count, distances: floats, margin: margin), into: columns)
                    add(batch, row.anchor, columns, slopes.floats(row.anchor), &sums)
                }
            }
        }
    }

    /// The triplets of one anchor.
    private func add(
        _ batch: BatchView, _ anchor: Int, _ columns: UnsafePointer<Int32>, _ slopeOf: UnsafeMutablePointer<Float>,
        _ sums: inout LossSums
    ) {
        let distances = batch.distances.floats(anchor)
        var index = 0
        for member in batch.members(of: anchor) where Int(member) != anchor {
            let (positive, negative) = (Int(member), Int(columns[index]))
            index += 1
            guard negative >= 0 else { continue }
            let loss = max(0, distances[positive] - distances[negative] + margin)
            sums.add(loss)
            if loss > 0 {
                slopeOf[positive] += 1
                slopeOf[negative] -= 1
            }
        }
    }
}

/// Σ max(0, d(a, p) − d(a, n) + margin) over all triplets, divided by how many of them have a loss (Hermans et al. 2017, equation 6 and
/// what follows it).
struct BatchAllLoss: BatchLoss {
    let margin: Float
    var reduction: Reduction { .active }

    func evaluate(_ batch: BatchView, slopes: PairMatrix) -> LossSums {
        sumOverAnchors(of: batch) { row, sums in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * batch.count) { floats in
                withUnsafeTemporaryAllocation(of: Int32.self, capacity: batch.count) { active in
                    guard let bounds = floats.baseAddress, let active = active.baseAddress else { return }
                    let (distances, slopeOf) = (batch.distances.floats(row.anchor), slopes.floats(row.anchor))
                    let positives = batch.members(of: row.anchor).lazy.map(Int.init).filter { $0 != row.anchor }
                    let count = batch.members(of: row.anchor).count - 1
                    for (index, positive) in positives.enumerated() { bounds[index] = distances[positive] + margin }
                    hingeSums(
                        bounds: bounds, count: count, row: row.negatives, vectors: row.vectors,
                        slopes: slopes.row(row.anchor), losses: bounds + batch.count, active: active)
                    for (index, positive) in positives.enumerated() {
                        slopeOf[positive] += Float(active[index])
                        sums.loss += Double(bounds[batch.count + index])
                        sums.active += Int(active[index])
                    }
                    sums.examples += count * batch.strangerCount(of: row.anchor)
                }
            }
        }
    }
}

/// The sum over every vector of a batch that has a partner in its class.
private func sumOverAnchors(of batch: BatchView, _ body: (AnchorRow, inout LossSums) -> Void) -> LossSums {
    let vectors = batch.distances.rowVectors
    return batch.sumOverRows { rows, sums in
        withUnsafeTemporaryAllocation(of: Lanes.self, capacity: vectors) { negatives in
            withUnsafeTemporaryAllocation(of: UInt64.self, capacity: (vectors + 7) / 8) { bits in
                guard let negatives = negatives.baseAddress, let bits = bits.baseAddress else { return }
                for anchor in rows where batch.members(of: anchor).count > 1 {
                    body(AnchorRow(batch, anchor: anchor, negatives: negatives, bits: bits), &sums[anchor])
                }
            }
        }
    }
}

/// Σ max(0, d(a, p) − d(a, n) + margin) over the anchors, with the farthest p of the anchor's class and the closest n of another
/// (Hermans et al. 2017, equation 5). Of equally distant ones the first. An anchor without either has no triplet.
struct BatchHardLoss: BatchLoss {
    let margin: Float

    func evaluate(_ batch: BatchView, slopes: PairMatrix) -> LossSums {
        sumOverAnchors(of: batch) { row, sums in
            guard let negative = row.closest?.column else { return }
            let distances = batch.distances.floats(row.anchor)
            var positive = -1
            for other in batch.members(of: row.anchor).lazy.map(Int.init) where other != row.anchor {
                if positive < 0 || distances[other] > distances[positive] { positive = other }
            }
            let loss = max(0, distances[positive] - distances[negative] + margin)
            sums.add(loss)
            if loss > 0 {
                slopes.floats(row.anchor)[positive] += 1
                slopes.floats(row.anchor)[negative] -= 1
            }
        }
    }
}
