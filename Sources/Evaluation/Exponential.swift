// eˣ for measures, from + − × ÷ and rounding only: the same figures on every machine. The logarithm is ModelCore's.

/// eˣ in double precision, within a few units in the last place; below −708 it is 0.
///
/// Cody & Waite's reduction x = n·ln 2 + r, |r| ≤ ½·ln 2, and the Taylor polynomial of degree 13.
/// - Precondition: x ≤ 709
func exponential(_ x: Double) -> Double {
    guard x >= -708 else { return x.isNaN ? .nan : 0 }
    let n = (x * 1.442_695_040_888_963_4).rounded(.toNearestOrEven)
    // ln 2 in two parts, the first with so few bits that n·high is exact.
    let r = x - n * 0.693_147_180_369_123_816_490 - n * 1.908_214_929_270_587_700_02e-10
    var sum = 1.0
    for k in stride(from: 13.0, through: 1, by: -1) { sum = 1 + r / k * sum }
    return sum * Double(sign: .plus, exponent: Int(n), significand: 1)
}
