// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
// 1, 2, 3" (SC'11). Integer arithmetic only: the same 128 bits for a (key, counter) on every machine.

/// The Philox4x32 bijection with ten rounds.
package enum Philox {
    private static let multipliers: (UInt32, UInt32) = (0xD251_1F53, 0xCD9E_8D57)
    private static let weyl: (UInt32, UInt32) = (0x9E37_79B9, 0xBB67_AE85)

    /// The 128 random bits that belong to `counter` under `key`.
    package static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var (x, y, z, w) = (counter.x, counter.y, counter.z, counter.w)
        var (k, l) = (key.x, key.y)
        for _ in 0..<10 {
            let p = multipliers.0.multipliedFullWidth(by: x)
            let q = multipliers.1.multipliedFullWidth(by: z)
            (x, y, z, w) = (q.high ^ y ^ k, q.low, p.high ^ w ^ l, p.low)
            (k, l) = (k &+ weyl.0, l &+ weyl.1)
        }
        return SIMD4(x, y, z, w)
    }
}
