// eˣ and log(1 + u) of eight lanes at once: the polynomials of ModelCore's Transcendental.swift, for losses that need them for every
// pixel. Same operations in the same order, so the same bits.

/// eˣ for x ≤ 0, lane by lane, within 2 units in the last place; x below −87 counts as −87, NaN stays NaN.
///
/// Cody & Waite's reduction x = n·ln 2 + r, |r| ≤ ½·ln 2, and the Taylor polynomial of degree 7.
@inline(__always)
package func exponential(ofNonPositive x: Lanes) -> Lanes {
    let clamped = x.replacing(with: splat(-87), where: x .< splat(-87))
    // 1.5·2²³: adding it rounds to the nearest integer, ties to even, and leaves that integer in the low bits.
    let magic = splat(12_582_912)
    let shifted = clamped * splat(1.442_695_04) + magic
    let n = shifted - magic
    // ln 2 in two parts, the first with so few bits that n·high is exact.
    let r = clamped.addingProduct(-n, splat(0.693_359_375)).addingProduct(-n, splat(-2.121_944_4e-4))
    var sum = splat(1.0 / 720).addingProduct(splat(1.0 / 5040), r)
    sum = splat(1.0 / 120).addingProduct(sum, r)
    sum = splat(1.0 / 24).addingProduct(sum, r)
    sum = splat(1.0 / 6).addingProduct(sum, r)
    sum = splat(0.5).addingProduct(sum, r)
    sum = splat(1).addingProduct(sum, r)
    sum = splat(1).addingProduct(sum, r)
    // n + 127 in the place of the exponent; the low nine bits of the magic number are zero.
    let bits = unsafeBitCast(shifted, to: SIMD8<UInt32>.self) &+ SIMD8<UInt32>(repeating: 127)
    return sum * unsafeBitCast(bits &<< SIMD8<UInt32>(repeating: 23), to: Lanes.self)
}

/// log(1 + u) for 0 ≤ u ≤ 1, lane by lane: 2·artanh(u / (2 + u)) by its series.
@inline(__always)
package func logarithmOfOnePlus(_ u: Lanes) -> Lanes {
    let s = u / (splat(2) + u)
    let square = s * s
    var sum = splat(1.0 / 17)
    sum = splat(1.0 / 15).addingProduct(sum, square)
    sum = splat(1.0 / 13).addingProduct(sum, square)
    sum = splat(1.0 / 11).addingProduct(sum, square)
    sum = splat(1.0 / 9).addingProduct(sum, square)
    sum = splat(1.0 / 7).addingProduct(sum, square)
    sum = splat(1.0 / 5).addingProduct(sum, square)
    sum = splat(1.0 / 3).addingProduct(sum, square)
    sum = splat(1).addingProduct(sum, square)
    return splat(2) * s * sum
}
