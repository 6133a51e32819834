// Softmax over similarities: supervised contrastive (Khosla et al., NeurIPS 2020, equation 2, "out"), and with two views of every
// image as its own class NT-Xent (Chen et al., ICML 2020, equation 1).
internal import Kernels

/// Σ over the vectors i with a positive of −1/|P(i)| Σ_{p ∈ P(i)} log(exp(−d(i, p)/τ) / Σ_{a ≠ i} exp(−d(i, a)/τ)).
///
/// With d = 1 − cos this is the papers' formula: the 1 cancels.
struct SupervisedContrastiveLoss: BatchLoss {
    let temperature: Float

    func evaluate(_ batch: BatchView, slopes: PairMatrix) -> LossSums {
        batch.sumOverRows { rows, sums in
            for anchor in rows where batch.members(of: anchor).count > 1 {
                sums[anchor].add(evaluate(batch, anchor, slopes.row(anchor)))
            }
        }
    }

    private func evaluate(_ batch: BatchView, _ anchor: Int, _ slopes: UnsafeMutablePointer<Lanes>) -> Float {
        let positives = Float(batch.members(of: anchor).count - 1)
        let distances = batch.distances.floats(anchor)
        let slopeOf = UnsafeMutableRawPointer(slopes).assumingMemoryBound(to: Float.self)
        let scale = 1 / temperature
        let row = batch.distances.row(anchor)
        // All others are at least as far away as the closest: the largest exponent is zero.
        distances[anchor] = .infinity
        let closest = smallestValue(above: -1, in: row, vectors: batch.distances.rowVectors)
        distances[anchor] = 0
        // The row of slopes holds the exponentials until they are summed. Padding is at +∞, hence nearly nothing, and is cut off.
        let (nearest, rate) = (Lanes(repeating: closest), Lanes(repeating: scale))
        for index in 0..<batch.distances.rowVectors {
            slopes[index] = exponential(ofNonPositive: (nearest - row[index]) * rate)
        }
        slopeOf[anchor] = 0
        for padding in batch.count..<batch.distances.rowVectors * laneCount { slopeOf[padding] = 0 }
        var total = Lanes.zero
        for index in 0..<batch.distances.rowVectors { total += slopes[index] }
        let sum = horizontalSum(total)
        // d loss ÷ d distance = −(softmax − [positive]/|P|)/τ
        let factor = Lanes(repeating: -scale / sum)
        for index in 0..<batch.distances.rowVectors { slopes[index] *= factor }
        var exponents: Float = 0
        let share = scale / positives
        for other in batch.members(of: anchor) where other != anchor {
            exponents += (closest - distances[Int(other)]) * scale
            slopeOf[Int(other)] += share
        }
        return logarithm(sum) - exponents / positives
    }
}
