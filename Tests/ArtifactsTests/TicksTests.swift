// Axis ticks: round numbers, exact labels, any range.

import Artifacts
import Testing

@Suite struct TicksTests {
    @Test(
        arguments: [
            (0.0...1.0, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]), (-4.3...4.9, ["−4", "−2", "0", "2", "4"]),
            (0.0...0.113, ["0", "0.02", "0.04", "0.06", "0.08", "0.10"]),
            (0.4...0.6, ["0.40", "0.45", "0.50", "0.55", "0.60"]),
            (0.0...0.3, ["0", "0.05", "0.10", "0.15", "0.20", "0.25", "0.30"]),
            (998.0...1003.0, ["998", "999", "1000", "1001", "1002", "1003"]),
            (0.0...4e6, ["0", "1", "2", "3", "4"]), (-3e-7...3e-7, ["−3", "−2", "−1", "0", "1", "2", "3"]),
        ] as [(ClosedRange<Double>, [String])])
    func labelsAreRound(_ range: ClosedRange<Double>, _ labels: [String]) {
        let ticks = Ticks(in: range, atMost: 8)
        #expect(ticks.labels(commonExponent: ticks.commonExponent) == labels)
    }

    @Test func largeAndSmallNumbersShareAPowerOfTen() {
        #expect(Ticks(in: 0...4e6, atMost: 8).commonExponent == 6)
        #expect(Ticks(in: -3e-7...3e-7, atMost: 8).commonExponent == -7)
        #expect(Ticks(in: 0...9000, atMost: 8).commonExponent == 0)
    }

    @Test func anyRangeHasTicksInside() {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        for round in 0..<5000 {
            let scale = Double(sign: .plus, exponent: Int.random(in: -140...140, using: &generator), significand: 1)
            let middle = Double.random(in: -1000...1000, using: &generator) * scale
            let range = middle...middle + Double.random(in: 0.001...1000, using: &generator) * scale
            let ticks = Ticks(in: range, atMost: 8)
            let tolerance = (range.upperBound - range.lowerBound) * 1e-6
            #expect((1...8).contains(ticks.values.count), "seed \(seed), round \(round): \(range)")
            #expect(
                ticks.values.allSatisfy { range.lowerBound - tolerance <= $0 && $0 <= range.upperBound + tolerance },
                "seed \(seed), round \(round): \(range)")
        }
    }
}
