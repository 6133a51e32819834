// Binary cross-entropy of grey values with logits: the reconstruction term of a variational autoencoder.

/// Sum over the pixels of −log p(t | x) for independent Bernoulli variables with logits x: max(x, 0) − x·t + log(1 + e^(−|x|)), which
/// does not overflow; and its gradient by the logits, sigmoid(x) − t.
///
/// Each row of `width` pixels is summed in single precision, in order; the rows in double precision, in order. Lanes from `examples`
/// on are empty: their gradient is zero, and their sum means nothing.
/// - Parameters:
///   - rows, width: of an image
///   - logits, targets: [rows · width][lane]; targets in 0…1
///   - gradient: written, same shape
/// - Returns: a sum per lane
package func bernoulliLoss(
    rows: Int, width: Int, examples: Int, logits: UnsafePointer<Lanes>, targets: UnsafePointer<Lanes>,
    gradient: UnsafeMutablePointer<Lanes>
) -> SIMD8<Double> {
    let (zero, one) = (Lanes.zero, splat(1))
    let isEmpty = emptyLanes(from: examples)
    var total = SIMD8<Double>.zero
    for row in 0..<rows {
        var sum = zero
        for i in (row * width)..<((row + 1) * width) {
            let (x, t) = (logits[i], targets[i])
            let positive = x .> zero
            let magnitude = x.replacing(with: -x, where: x .< zero)
            let decay = exponential(ofNonPositive: -magnitude)
            sum += zero.replacing(with: x, where: positive) - x * t + logarithmOfOnePlus(decay)
            let probability = decay.replacing(with: one, where: positive) / (one + decay)
            gradient[i] = (probability - t).replacing(with: zero, where: isEmpty)
        }
        // A row that is not a number makes the total one: whoever watches the loss must see it.
        for lane in 0..<laneCount { total[lane] += Double(sum[lane]) }
    }
    return total
}

/// sigmoid(x), lane by lane, without overflow.
@inline(__always)
package func sigmoid(_ x: Lanes) -> Lanes {
    let positive = x .> Lanes.zero
    let decay = exponential(ofNonPositive: -(x.replacing(with: -x, where: x .< Lanes.zero)))
    return decay.replacing(with: splat(1), where: positive) / (splat(1) + decay)
}

/// The lanes from `examples` on.
@inline(__always)
private func emptyLanes(from examples: Int) -> SIMDMask<SIMD8<Int32>> {
    SIMD8<Int32>(0, 1, 2, 3, 4, 5, 6, 7) .>= SIMD8<Int32>(repeating: Int32(examples))
}
