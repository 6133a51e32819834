// Gradients of the bias of a dense layer.

/// Gradient of the bias of a dense layer whose PReLU output meets one more linear layer, when the towers' gradients there
/// add up to zero (a loss of differences of latent vectors: every Siamese one).
///
/// With g₀ = −(g₁ + … ) the sum Σ s_t·g_t over the towers, s being PReLU's derivative, is Σ (s_t − s₀)·g_t over the
/// towers from 1: where no sign differs between the towers it is exactly zero, as it is in exact arithmetic. Summed
/// naively it is a rounding error there, which Adam turns into whole steps.
///
/// Per unit a chain of `fma(s_t − s₀, g_t)` from zero over the towers from 1, then `horizontalSum`.
/// - Parameters:
///   - gradient: of PReLU's output, [towers][units][lane]
///   - x: PReLU's input, same shape
package func cancellingBiasGradient(
    units: Int, towers: Int, gradient: UnsafePointer<Lanes>, x: UnsafePointer<Lanes>, slope: Float,
    into biasGradient: UnsafeMutablePointer<Float>
) {
    let (one, slopes) = (splat(1), splat(slope))
    for unit in 0..<units {
        let first = slopes.replacing(with: one, where: x[unit] .> Lanes.zero)
        var sum = Lanes.zero
        for tower in 1..<max(towers, 1) {
            let at = tower * units + unit
            let derivative = slopes.replacing(with: one, where: x[at] .> Lanes.zero)
            sum = sum.addingProduct(derivative - first, gradient[at])
        }
        biasGradient[unit] = horizontalSum(sum)
    }
}

/// Gradient of a bias: per unit, the lanes summed over the towers in order, then `horizontalSum`.
/// - Parameter gradient: [towers][units][lane]
package func biasGradient(
    units: Int, towers: Int, gradient: UnsafePointer<Lanes>, into biasGradient: UnsafeMutablePointer<Float>
) {
    for unit in 0..<units {
        var sum = gradient[unit]
        for tower in 1..<max(towers, 1) { sum += gradient[tower * units + unit] }
        biasGradient[unit] = horizontalSum(sum)
    }
}
