// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
// 1, 2, 3" (SC'11). Integer arithmetic only: the same 128 bits for a (key, counter) on every machine.

/// The Philox4x32 bijection with ten rounds.
package enum Philox {
    private static let multipliers: (UInt32, UInt32) = (0xD251_1F53, 0xCD9E_8D57)
    private static let weyl: (UInt32, UInt32) = (0x9E37_79B9, 0xBB67_AE85)

    /// The 128 random bits that belong to `counter` under `key`.
    package static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var c = counter
        var k = key
        for round in 0..<10 {
            if round > 0 { k = SIMD2(k.x &+ weyl.0, k.y &+ weyl.1) }
            let p0 = multipliers.0.multipliedFullWidth(by: c.x)
            let p1 = multipliers.1.multipliedFullWidth(by: c.z)
            c = SIMD4(p1.high ^ c.y ^ k.x, p1.low, p0.high ^ c.w ^ k.y, p0.low)
        }
        return c
    }
}
