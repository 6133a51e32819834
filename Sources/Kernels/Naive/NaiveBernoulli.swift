// Naive twins of the Bernoulli loss and the functions it needs. For tests only.

/// Twin of `exponential(ofNonPositive:)`.
package func naiveExponential(ofNonPositive x: Float) -> Float {
    guard x == x else { return .nan }
    let clamped = x < -87 ? -87 : x
    let n = (clamped * 1.442_695_04).rounded(.toNearestOrEven)
    let r = clamped.addingProduct(-n, 0.693_359_375).addingProduct(-n, -2.121_944_4e-4)
    var sum = Float(1.0 / 5040)
    for factor: Float in [1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1, 1] { sum = factor.addingProduct(sum, r) }
    return sum * Float(sign: .plus, exponent: Int(n), significand: 1)
}

/// Twin of `logarithmOfOnePlus`.
package func naiveLogarithmOfOnePlus(_ u: Float) -> Float {
    let s = u / (2 + u)
    var sum: Float = 1.0 / 17
    for odd: Float in [15, 13, 11, 9, 7, 5, 3, 1] { sum = (1 / odd).addingProduct(sum, s * s) }
    return 2 * s * sum
}

/// Twin of `bernoulliLoss`; the sums of the examples there are.
package func naiveBernoulliLoss(
    rows: Int, width: Int, examples: Int, logits: Scalars, targets: Scalars, gradient: Scalars
) -> [Double] {
    for i in 0..<(rows * width * 8) { gradient[i] = 0 }
    return (0..<examples).map { lane in
        var total = 0.0
        for row in 0..<rows {
            var sum: Float = 0
            for column in 0..<width {
                let i = (row * width + column) * 8 + lane
                let (x, t) = (logits[i], targets[i])
                let decay = naiveExponential(ofNonPositive: -abs(x))
                sum += (x > 0 ? x : 0) - x * t + naiveLogarithmOfOnePlus(decay)
                gradient[i] = (x > 0 ? 1 : decay) / (1 + decay) - t
            }
            total += Double(sum)
        }
        return total
    }
}
