// exp, log and cos of the project's own, from + − × ÷ fma and rounding only, each exactly specified by IEEE 754: the same
// bits on every machine, which libm does not promise. Not for speed: a microbatch needs a few dozen of them (where it needs thousands:
// `Kernels/LaneFunctions.swift`).

/// eˣ for x ≤ 0, within 2 units in the last place; x below −87 counts as −87.
///
/// Cody & Waite's reduction x = n·ln 2 + r, |r| ≤ ½·ln 2, and the Taylor polynomial of degree 7.
package func exponential(ofNonPositive x: Float) -> Float {
    let clamped = x < -87 ? -87 : x
    let n = (clamped * 1.442_695_04).rounded(.toNearestOrEven)
    // ln 2 in two parts, the first with so few bits that n·high is exact.
    let high: Float = 0.693_359_375
    let low: Float = -2.121_944_4e-4
    let r = clamped.addingProduct(-n, high).addingProduct(-n, low)
    guard n == n else { return .nan }
    var sum = Float(1.0 / 720).addingProduct(1.0 / 5040, r)
    sum = Float(1.0 / 120).addingProduct(sum, r)
    sum = Float(1.0 / 24).addingProduct(sum, r)
    sum = Float(1.0 / 6).addingProduct(sum, r)
    sum = Float(0.5).addingProduct(sum, r)
    sum = Float(1).addingProduct(sum, r)
    sum = Float(1).addingProduct(sum, r)
    return sum * Float(bitPattern: UInt32(Int32(n) + 127) << 23)
}

/// eˣ for any x; beyond ±87 it counts as that.
package func exponential(_ x: Float) -> Float {
    x > 0 ? 1 / exponential(ofNonPositive: -x) : exponential(ofNonPositive: x)
}

/// log(1 + u) for 0 ≤ u ≤ 1: 2·artanh(u / (2 + u)) by its series.
package func logarithmOfOnePlus(_ u: Float) -> Float {
    let s = u / (2 + u)
    let square = s * s
    var sum: Float = 1 / 17
    for odd in stride(from: Float(15), through: 1, by: -2) { sum = (1 / odd).addingProduct(sum, square) }
    return 2 * s * sum
}

/// log(x) for a finite x > 0, in single precision.
package func logarithm(_ x: Float) -> Float { Float(logarithm(Double(x))) }

/// log(x) for a normal x > 0: x = m·2ᵉ with m in [√½, √2), then 2·artanh((m − 1)/(m + 1)) by its series.
package func logarithm(_ x: Double) -> Double {
    guard x > 0, x.isFinite else { return .nan }
    var exponent = x.exponent
    var mantissa = x.significand
    if mantissa > 1.414_213_562_373_095_1 {
        mantissa *= 0.5
        exponent += 1
    }
    let s = (mantissa - 1) / (mantissa + 1)
    let square = s * s
    var sum = 1.0 / 25
    for odd in stride(from: 23.0, through: 1, by: -2) { sum = (1 / odd).addingProduct(sum, square) }
    return (2 * s * sum).addingProduct(Double(exponent), 0.693_147_180_559_945_3)
}

/// cos(2π·u) for 0 ≤ u < 1 by the Taylor series around the nearest multiple of a quarter turn.
package func cosineOfTurns(_ u: Double) -> Double {
    let quarter = (u * 4).rounded(.toNearestOrEven)
    let r = (u - quarter * 0.25) * 6.283_185_307_179_586
    switch Int(quarter) % 4 {
    case 0: return cosineSeries(r)
    case 1: return -sineSeries(r)
    case 2: return -cosineSeries(r)
    default: return sineSeries(r)
    }
}

private func cosineSeries(_ r: Double) -> Double {
    var sum = 1.0
    for k in stride(from: 18.0, through: 2, by: -2) { sum = 1 - r * r / (k * (k - 1)) * sum }
    return sum
}

private func sineSeries(_ r: Double) -> Double {
    var sum = 1.0
    for k in stride(from: 19.0, through: 3, by: -2) { sum = 1 - r * r / (k * (k - 1)) * sum }
    return r * sum
}
