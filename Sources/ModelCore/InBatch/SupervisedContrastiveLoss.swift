// Softmax over similarities: supervised contrastive (Khosla et al., NeurIPS 2020, equation 2, "out"), and with two views of every
// image as its own class NT-Xent (Chen et al., ICML 2020, equation 1).
internal import Kernels

/// Σ over the vectors i with a positive of −1/|P(i)| Σ_{p ∈ P(i)} log(exp(−d(i, p)/τ) / Σ_{a ≠ i} exp(−d(i, a)/τ)).
///
/// With d = 1 − cos this is the papers' formula: the 1 cancels.
struct SupervisedContrastiveLoss: BatchLoss {
    let temperature: Float

    func evaluate(_ batch: BatchView, slopes: PairMatrix) -> LossSums {
        var sums = LossSums()
        for anchor in 0..<batch.count {
            let positives = (0..<batch.count).count { $0 != anchor && batch.labels[$0] == batch.labels[anchor] }
            guard positives > 0 else { continue }
            sums.add(evaluate(batch, anchor, positives, slopes.row(anchor)))
        }
        return sums
    }

    private func evaluate(
        _ batch: BatchView, _ anchor: Int, _ positives: Int, _ slopes: UnsafeMutablePointer<Lanes>
    ) -> Float {
        let distances = batch.distances.floats(anchor)
        let slopeOf = UnsafeMutableRawPointer(slopes).assumingMemoryBound(to: Float.self)
        let scale = 1 / temperature
        // All others are at least as far away as the closest: the largest exponent is zero.
        var closest = Float.infinity
        for other in 0..<batch.count where other != anchor { closest = min(closest, distances[other]) }
        // The row of slopes holds the exponentials until they are summed. Padding is at +∞, hence nearly nothing, and is cut off.
        let row = batch.distances.row(anchor)
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
        let share = scale / Float(positives)
        for other in 0..<batch.count where other != anchor && batch.labels[other] == batch.labels[anchor] {
            exponents += (closest - distances[other]) * scale
            slopeOf[other] += share
        }
        return logarithm(sum) - exponents / Float(positives)
    }
}
