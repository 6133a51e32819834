// Losses over triplets of a batch. There are B³ of them, so none is ever listed: a miner looks at one anchor and one positive, and
// at all negatives at once.
internal import Kernels

/// The negatives of one anchor and one positive.
package enum NegativeChoice {
    case none
    case one(Int)
    /// All of them.
    case all
}

/// The distances of an anchor, as a miner sees them.
package struct AnchorRow {
    package let anchor: Int
    /// [column]: distances from all vectors of other classes; +∞ for the others and the padding.
    let negatives: UnsafeMutablePointer<Lanes>
    /// Vectors of `negatives`.
    let vectors: Int
    let draws: SelectionDraws

    /// The first column whose distance is smallest among those above `bound`; nil: there is none.
    func closest(above bound: Float) -> (column: Int, distance: Float)? {
        let (bound, far) = (Lanes(repeating: bound), Lanes(repeating: .infinity))
        var smallest = far
        for index in 0..<vectors {
            let candidates = far.replacing(with: negatives[index], where: negatives[index] .> bound)
            smallest.replace(with: candidates, where: candidates .< smallest)
        }
        let distance = smallest.min()
        guard distance < .infinity else { return nil }
        let row = UnsafeMutableRawPointer(negatives).assumingMemoryBound(to: Float.self)
        var column = 0
        while row[column] != distance { column += 1 }
        return (column, distance)
    }

    /// How many columns are closer than `bound`.
    func count(below bound: Float) -> Int {
        var counts = Lanes.zero
        let (bound, one) = (Lanes(repeating: bound), Lanes(repeating: 1))
        for index in 0..<vectors {
            counts += Lanes.zero.replacing(with: one, where: negatives[index] .< bound)
        }
        return Int(counts.sum())
    }
}

/// Chooses the negatives for an anchor and a positive of its class.
package protocol TripletMiner {
    /// - Parameters:
    ///   - distance: of the positive from the anchor
    ///   - draw: number of the positive among those of this anchor
    func negatives(_ row: AnchorRow, distance: Float, margin: Float, draw: Int) -> NegativeChoice
}

struct AllTriplets: TripletMiner {
    func negatives(_ row: AnchorRow, distance: Float, margin: Float, draw: Int) -> NegativeChoice { .all }
}

struct HardestNegative: TripletMiner {
    func negatives(_ row: AnchorRow, distance: Float, margin: Float, draw: Int) -> NegativeChoice {
        guard let closest = row.closest(above: -1), closest.distance < distance + margin else { return .none }
        return .one(closest.column)
    }
}

struct SemiHardNegative: TripletMiner {
    func negatives(_ row: AnchorRow, distance: Float, margin: Float, draw: Int) -> NegativeChoice {
        guard let closest = row.closest(above: distance), closest.distance < distance + margin else { return .none }
        return .one(closest.column)
    }
}

struct RandomHardNegative: TripletMiner {
    func negatives(_ row: AnchorRow, distance: Float, margin: Float, draw: Int) -> NegativeChoice {
        let bound = distance + margin
        let count = row.count(below: bound)
        guard count > 0 else { return .none }
        var left = row.draws.integer(row: row.anchor, draw: draw, below: count)
        let floats = UnsafeMutableRawPointer(row.negatives).assumingMemoryBound(to: Float.self)
        var column = 0
        while true {
            if floats[column] < bound {
                if left == 0 { return .one(column) }
                left -= 1
            }
            column += 1
        }
    }
}

/// Σ max(0, d(a, p) − d(a, n) + margin) over the chosen triplets: (Schroff et al. 2015, equation 3).
struct TripletLoss<Miner: TripletMiner>: BatchLoss {
    let miner: Miner
    let margin: Float
    var reduction = Reduction.selected

    func evaluate(_ batch: BatchView, slopes: PairMatrix) -> LossSums {
        var sums = LossSums()
        let vectors = batch.distances.rowVectors
        withUnsafeTemporaryAllocation(of: Lanes.self, capacity: vectors) { memory in
            guard let negatives = memory.baseAddress else { return }
            for anchor in 0..<batch.count {
                batch.fillNegatives(
                    of: anchor, into: UnsafeMutableRawPointer(negatives).assumingMemoryBound(to: Float.self))
                let row = AnchorRow(anchor: anchor, negatives: negatives, vectors: vectors, draws: batch.draws)
                evaluate(batch, row, slopes.row(anchor), &sums)
            }
        }
        return sums
    }

    private func evaluate(
        _ batch: BatchView, _ row: AnchorRow, _ slopes: UnsafeMutablePointer<Lanes>, _ sums: inout LossSums
    ) {
        let distances = batch.distances.floats(row.anchor)
        let slopeOf = UnsafeMutableRawPointer(slopes).assumingMemoryBound(to: Float.self)
        let strangers = row.count(below: .infinity)
        var draw = 0
        for positive in 0..<batch.count
        where positive != row.anchor && batch.labels[positive] == batch.labels[row.anchor] {
            let distance = distances[positive]
            switch miner.negatives(row, distance: distance, margin: margin, draw: draw) {
            case .none: break
            case .one(let negative):
                let loss = max(0, distance - distances[negative] + margin)
                sums.add(loss)
                if loss > 0 {
                    slopeOf[positive] += 1
                    slopeOf[negative] -= 1
                }
            case .all:
                let (loss, active) = Self.sumOfAll(row, bound: distance + margin, slopes: slopes)
                sums.loss += Double(loss)
                sums.examples += strangers
                sums.active += active
                slopeOf[positive] += Float(active)
            }
            draw += 1
        }
    }

    /// Σ max(0, bound − d(a, n)) over all negatives of a row, and how many are closer than that; each of those gets a slope of −1.
    private static func sumOfAll(
        _ row: AnchorRow, bound: Float, slopes: UnsafeMutablePointer<Lanes>
    ) -> (loss: Float, active: Int) {
        let (bound, one) = (Lanes(repeating: bound), Lanes(repeating: 1))
        var (loss, active) = (Lanes.zero, Lanes.zero)
        for index in 0..<row.vectors {
            let gap = bound - row.negatives[index]
            let isActive = gap .> Lanes.zero
            let counted = Lanes.zero.replacing(with: one, where: isActive)
            loss += Lanes.zero.replacing(with: gap, where: isActive)
            active += counted
            slopes[index] -= counted
        }
        return (horizontalSum(loss), Int(horizontalSum(active)))
    }
}

/// Σ max(0, d(a, p) − d(a, n) + margin) over the anchors, with the farthest p of the anchor's class and the closest n of another
/// (Hermans et al. 2017, equation 5). Of equally distant ones the first. An anchor without either has no triplet.
struct BatchHardLoss: BatchLoss {
    let margin: Float

    func evaluate(_ batch: BatchView, slopes: PairMatrix) -> LossSums {
        var sums = LossSums()
        for anchor in 0..<batch.count {
            let (row, label) = (batch.distances.floats(anchor), batch.labels[anchor])
            var (positive, negative) = (-1, -1)
            for other in 0..<batch.count where other != anchor {
                if batch.labels[other] == label {
                    if positive < 0 || row[other] > row[positive] { positive = other }
                } else if negative < 0 || row[other] < row[negative] {
                    negative = other
                }
            }
            guard positive >= 0, negative >= 0 else { continue }
            let loss = max(0, row[positive] - row[negative] + margin)
            sums.add(loss)
            if loss > 0 {
                slopes.floats(anchor)[positive] += 1
                slopes.floats(anchor)[negative] -= 1
            }
        }
        return sums
    }
}
