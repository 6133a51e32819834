// Which examples belong to which step: each position of an epoch once, in order, with a short step at the end.
import Runtime
import TestKit
import Testing

@Suite struct StepScheduleTests {
    @Test(arguments: 1...20)
    func everyEpochCoversEveryPositionOnce(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let (images, batch, epochs) = (random.within(1...300), random.within(1...400), random.within(1...4))
        let schedule = StepSchedule(examplesPerEpoch: images, batchSize: batch, epochs: epochs, maxSteps: nil)
        var positions: [Int: [Int]] = [:]
        for step in stride(from: 1, through: schedule.totalSteps, by: 1) {
            let range = schedule.positions(of: step)
            let epoch = schedule.epoch(of: step)
            #expect(!range.isEmpty && range.count <= batch)
            #expect(schedule.endsEpoch(step) == (range.upperBound == images))
            #expect(range.count == batch || schedule.endsEpoch(step), "a short step within an epoch")
            positions[epoch, default: []] += range
        }
        #expect(positions.keys.sorted() == Array(1...epochs))
        #expect(positions.values.allSatisfy { $0 == Array(0..<images) }, "seed \(seed)")
    }

    @Test func maxStepsCutsShortButNeverExtends() {
        func steps(_ limit: Int?) -> Int {
            StepSchedule(examplesPerEpoch: 10, batchSize: 4, epochs: 2, maxSteps: limit).totalSteps
        }
        #expect(steps(nil) == 6)
        #expect(steps(5) == 5)
        #expect(steps(7) == 6)
    }
}
