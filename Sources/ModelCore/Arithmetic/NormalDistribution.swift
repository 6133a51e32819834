// The standard normal distribution, for pictures: equal steps of probability make a fair walk through a latent space. Not for training.

/// P(Z ≤ x), within 10⁻⁶: ½ + φ(x)·(x + x³/3 + x⁵/(3·5) + …), Marsaglia, "Evaluating the normal distribution" (2004).
package func cumulativeNormal(_ x: Double) -> Double {
    guard abs(x) < 8 else { return x > 0 ? 1 : 0 }
    var (term, sum, odd) = (x, x, 3.0)
    while abs(term) > 1e-12 {
        term *= x * x / odd
        sum += term
        odd += 2
    }
    // 1 / √(2π)
    let density = 0.398_942_280_401_432_7 * Double(exponential(ofNonPositive: Float(-x * x / 2)))
    return 0.5 + density * sum
}

/// The x with P(Z ≤ x) = `probability`, in (0, 1): by bisection.
package func inverseCumulativeNormal(_ probability: Double) -> Double {
    var (low, high) = (-8.0, 8.0)
    for _ in 0..<60 {
        let middle = (low + high) / 2
        if cumulativeNormal(middle) < probability { low = middle } else { high = middle }
    }
    return (low + high) / 2
}
