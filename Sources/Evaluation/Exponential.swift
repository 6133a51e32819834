// eˣ for measures, from + − × ÷ and rounding only: the same figures on every machine. The logarithm is ModelCore's.
internal import Kernels

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

/// eˣ of each lane for −87 ≤ x ≤ 0, within 2 units in the last place; below that as of −87.
@inline(__always)
func exponentials(ofNonPositive x: Lanes) -> Lanes {
    let least = Lanes(repeating: -87)
    let clamped = x.replacing(with: least, where: x .< least)
    // Adding 1.5·2²³ leaves the nearest integer in the lowest bits.
    let magic = Lanes(repeating: 0x1.8p23)
    let shifted = magic.addingProduct(clamped, Lanes(repeating: 1.442_695_04))
    let n = shifted - magic
    let r = clamped.addingProduct(-n, Lanes(repeating: 0.693_359_375))
        .addingProduct(-n, Lanes(repeating: -2.121_944_4e-4))
    var sum = Lanes(repeating: 1.0 / 720).addingProduct(Lanes(repeating: 1.0 / 5040), r)
    for coefficient: Float in [1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1, 1] {
        sum = Lanes(repeating: coefficient).addingProduct(sum, r)
    }
    let integers = unsafeBitCast(shifted, to: SIMD8<UInt32>.self) &+ SIMD8(repeating: 127)
    return sum * unsafeBitCast(integers &<< 23, to: Lanes.self)
}
