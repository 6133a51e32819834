// eˣ of eight lanes at once: lane by lane the operations of `exponential(ofNonPositive:)`, so the same bits.
internal import Kernels

/// eˣ for x ≤ 0 in every lane, within 2 units in the last place; x below −87 counts as −87.
@inline(__always)
func exponential(ofNonPositive x: Lanes) -> Lanes {
    let lowest = Lanes(repeating: -87)
    let clamped = x.replacing(with: lowest, where: x .< lowest)
    // Adding 1.5·2²³ rounds to an integer, ties to even, which then lies in the low bits.
    let magic = Lanes(repeating: 12_582_912)
    let shifted = clamped * Lanes(repeating: 1.442_695_04) + magic
    let n = shifted - magic
    let r = clamped.addingProduct(-n, Lanes(repeating: 0.693_359_375))
        .addingProduct(-n, Lanes(repeating: -2.121_944_4e-4))
    var sum = Lanes(repeating: 1.0 / 720).addingProduct(Lanes(repeating: 1.0 / 5040), r)
    sum = Lanes(repeating: 1.0 / 120).addingProduct(sum, r)
    sum = Lanes(repeating: 1.0 / 24).addingProduct(sum, r)
    sum = Lanes(repeating: 1.0 / 6).addingProduct(sum, r)
    sum = Lanes(repeating: 0.5).addingProduct(sum, r)
    sum = Lanes(repeating: 1).addingProduct(sum, r)
    sum = Lanes(repeating: 1).addingProduct(sum, r)
    let bits = unsafeBitCast(shifted, to: SIMD8<UInt32>.self)
    let scale = unsafeBitCast((bits &+ SIMD8(repeating: 127)) &<< SIMD8(repeating: 23), to: Lanes.self)
    return sum * scale
}
