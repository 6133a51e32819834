// The random numbers of tests: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). One seed, one sequence, everywhere.
// Not for training: that has ModelCore's counter-based streams.

/// A tiny seeded generator.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// The finalizer: every bit of the result depends on every bit of `value`.
    package static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    package mutating func below(_ bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(bound)).high) }

    package mutating func within(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }

    /// True with probability `chance`.
    package mutating func happens(_ chance: Double) -> Bool { Double(next() >> 11) * 0x1p-53 < chance }
}
