// Philox against the known answers of the Random123 distribution, and the properties samplers rely on.
import ModelCore
import Testing

@Suite struct RandomStreamTests {
    /// Known-answer vectors "philox4x32 10" of Random123 (kat_vectors).
    @Test func knownAnswers() {
        #expect(
            Philox.block(counter: SIMD4(0, 0, 0, 0), key: SIMD2(0, 0))
                == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
        let ones = UInt32.max
        #expect(
            Philox.block(counter: SIMD4(repeating: ones), key: SIMD2(repeating: ones))
                == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
        #expect(
            Philox.block(
                counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
                key: SIMD2(0xa409_3822, 0x299f_31d0))
                == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
    }

    @Test func streamsEpochsPositionsAndDrawsDiffer() {
        var seen = Set<UInt64>()
        for name in [StreamName.shuffle, .partner] {
            for epoch in 0..<3 {
                let stream = RandomStream(seed: 7, name: name, epoch: epoch)
                for position in 0..<100 {
                    for draw in 0..<6 { seen.insert(stream.bits64(at: position, draw: draw)) }
                }
            }
        }
        #expect(seen.count == 2 * 3 * 100 * 6)
    }

    @Test func integersCoverTheirRangeEvenly() {
        let stream = RandomStream(seed: 1, name: .partner)
        var counts = [Int](repeating: 0, count: 10)
        for position in 0..<10_000 { counts[stream.integer(at: position, below: 10)] += 1 }
        #expect(counts.allSatisfy { (880...1120).contains($0) }, "\(counts)")
    }

    @Test func uniformStaysBelowOne() {
        let stream = RandomStream(seed: 3, name: .initialization)
        let values = (0..<10_000).map { stream.uniform(at: $0) }
        #expect(values.allSatisfy { $0 >= 0 && $0 < 1 })
        let mean = values.reduce(0, +) / 10_000
        #expect(abs(mean - 0.5) < 0.02)
    }
}
