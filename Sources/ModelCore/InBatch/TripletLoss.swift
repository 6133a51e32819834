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
        closest = closest(above: -1, below: .infinity)
    }

    /// The first column whose distance is smallest among those above one bound and below another; nil: there is none.
    package func closest(above lower: Float, below upper: Float) -> (column: Int, distance: Float)? {
        let distance = smallestValue(above: lower, in: negatives, vectors: vectors)
        guard distance < upper, let column = firstColumn(of: distance, in: negatives, vectors: vectors) else {
            return nil
        }
        return (column, distance)
    }

    /// One of the columns that are closer than `bound`, each with the same probability; nil: there is none.
    ///
    /// - Parameter draw: which random number of this anchor decides
    package func random(below bound: Float, draw: Int) -> Int? {
        let count = columns(below: bound, in: negatives, vectors: vectors, into: bits)
        guard count > 0 else { return nil }
        return place(ofBit: draws.integer(row: anchor, draw: draw, below: count), in: bits)
    }
}

/// Chooses the negative for an anchor and a positive of its class.
package protocol TripletMiner {
    /// The column of the negative; nil: no triplet.
    ///
    /// - Parameters:
    ///   - distance: of the positive from the anchor
    ///   - draw: number of the positive among those of this anchor
    func negative(_ row: AnchorRow, distance: Float, margin: Float, draw: Int) -> Int?
}

struct HardestNegative: TripletMiner {
    func negative(_ row: AnchorRow, distance: Float, margin: Float, draw: Int) -> Int? {
        guard let closest = row.closest, closest.distance < distance + margin else { return nil }
        return closest.column
    }
}

struct SemiHardNegative: TripletMiner {
    func negative(_ row: AnchorRow, distance: Float, margin: Float, draw: Int) -> Int? {
        row.closest(above: distance, below: distance + margin)?.column
    }
}

struct RandomHardNegative: TripletMiner {
    func negative(_ row: AnchorRow, distance: Float, margin: Float, draw: Int) -> Int? {
        row.random(below: distance + margin, draw: draw)
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
        var sums = LossSums()
        forEachAnchor(of: batch) { row in
            let (distances, slopeOf) = (batch.distances.floats(row.anchor), slopes.floats(row.anchor))
            var draw = 0
            for positive in batch.members(of: row.anchor).lazy.map(Int.init) where positive != row.anchor {
                let distance = distances[positive]
                if let negative = miner.negative(row, distance: distance, margin: margin, draw: draw) {
                    let loss = max(0, distance - distances[negative] + margin)
                    sums.add(loss)
                    if loss > 0 {
                        slopeOf[positive] += 1
                        slopeOf[negative] -= 1
                    }
                }
                draw += 1
            }
        }
        return sums
    }
}

/// Σ max(0, d(a, p) − d(a, n) + margin) over all triplets, divided by how many of them have a loss (Hermans et al. 2017, equation 6 and
/// what follows it).
struct BatchAllLoss: BatchLoss {
    let margin: Float
    var reduction: Reduction { .active }

    func evaluate(_ batch: BatchView, slopes: PairMatrix) -> LossSums {
        var sums = LossSums()
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * batch.count) { floats in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: batch.count) { active in
                guard let bounds = floats.baseAddress, let active = active.baseAddress else { return }
                forEachAnchor(of: batch) { row in
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
        return sums
    }
}

/// Calls `body` for every vector of a batch that has a partner in its class.
private func forEachAnchor(of batch: BatchView, _ body: (AnchorRow) -> Void) {
    let vectors = batch.distances.rowVectors
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: vectors) { negatives in
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: (vectors + 7) / 8) { bits in
            guard let negatives = negatives.baseAddress, let bits = bits.baseAddress else { return }
            for anchor in 0..<batch.count where batch.members(of: anchor).count > 1 {
                body(AnchorRow(batch, anchor: anchor, negatives: negatives, bits: bits))
            }
        }
    }
}

/// Σ max(0, d(a, p) − d(a, n) + margin) over the anchors, with the farthest p of the anchor's class and the closest n of another
/// (Hermans et al. 2017, equation 5). Of equally distant ones the first. An anchor without either has no triplet.
struct BatchHardLoss: BatchLoss {
    let margin: Float

    func evaluate(_ batch: BatchView, slopes: PairMatrix) -> LossSums {
        var sums = LossSums()
        forEachAnchor(of: batch) { row in
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
        return sums
    }
}
