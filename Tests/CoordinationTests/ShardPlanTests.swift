// How steps are cut: complete, in order, fair, and round where it costs nothing.

import Coordination
import TestKit
import Testing

@Suite struct ShardPlanTests {
    @Test func equalAtFirst() {
        #expect(counts(12, [nil, nil, nil]) == [4, 4, 4])
        #expect(counts(8, [nil]) == [8])
    }

    @Test func proportionalToSpeedAndTheUnmeasuredAreAverage() {
        #expect(counts(40, [10, 30]) == [10, 30])
        #expect(counts(40, [10, 30, nil]).reduce(0, +) == 40)
        #expect(abs(counts(60, [10, 30, nil])[2] - 20) <= 1)
    }

    @Test func someStayIdleWhenThereAreTooManyWorkers() {
        let plan = counts(3, Array(repeating: nil, count: 5))
        #expect(plan.reduce(0, +) == 3 && plan.allSatisfy { $0 <= 1 })
        #expect(counts(1, [1000, 1]) == [1, 0])
    }

    @Test func boundariesAreRoundWhereTheShardsStayFair() {
        // 66 : 62 of 128 would be fair; 64 : 64 is within ten per cent and has one node each.
        #expect(counts(128, [66, 62]) == [64, 64])
        #expect(counts(128, [90, 38]) != [64, 64])
    }

    @Test func nonsenseSpeedsAreTakenAsUnknown() {
        #expect(counts(8, [0, .nan]) == [4, 4])
        #expect(counts(8, [.infinity, -3]) == [4, 4])
    }

    @Test func everyPlanTilesTheStepFairly() {
        for seed in 1...500 as ClosedRange<UInt64> {
            var random = SplitMix64(seed: seed)
            let total = random.within(1...500)
            let speeds = (0..<random.within(1...20)).map { _ in Double(random.within(1...1_000)) }
            // A relay cuts a part of a step.
            let whole = MicrobatchRange(first: random.below(2) * random.below(300), count: total)
            let ranges = ShardPlan.ranges(of: whole, speeds: speeds)
            var next = whole.first
            for (index, range) in ranges.enumerated() {
                let fair = Double(total) * speeds[index] / speeds.reduce(0, +)
                #expect(abs(Double(range?.count ?? 0) - fair) <= max(1.01, 0.1 * fair + 0.51), "seed \(seed)")
                guard let range else { continue }
                #expect(range.first == next, "seed \(seed)")
                next = range.end
            }
            #expect(next == whole.end, "seed \(seed)")
        }
    }

    private func counts(_ total: Int, _ speeds: [Double?]) -> [Int] {
        ShardPlan.ranges(of: MicrobatchRange(first: 0, count: total), speeds: speeds).map { $0?.count ?? 0 }
    }
}
