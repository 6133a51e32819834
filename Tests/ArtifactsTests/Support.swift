// What the tests of Artifacts share: a seeded generator, the fixtures, and a stand-in for SHA-256.

import Foundation

/// SplitMix64 (Steele et al. 2014): one seed replays any failure.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// A file of Tests/Fixtures/artifacts.
func fixture(_ name: String) throws -> [UInt8] {
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return [UInt8](try Data(contentsOf: tests.appending(path: "Fixtures/artifacts/\(name)")))
}

/// FNV-1a: sensitive to every bit, which is all that a test of a checksum's use needs.
func testDigest(_ bytes: UnsafeRawBufferPointer) -> String {
    String(bytes.reduce(14_695_981_039_346_656_037 as UInt64) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }, radix: 16)
}
