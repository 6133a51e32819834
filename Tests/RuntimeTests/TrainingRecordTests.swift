// The past of a run, through a checkpoint and back: to the bit, NaN included.
import Artifacts
import Runtime
import TestKit
import Testing

@Suite struct TrainingRecordTests {
    private func roundTrip(_ record: TrainingRecord) throws -> TrainingRecord {
        try #require(TrainingRecord(json: JSONValue(parsing: record.json.compact())))
    }

    @Test(arguments: 1...20)
    func comesBackExactly(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var record = TrainingRecord()
        for number in 0..<random.below(5) {
            record.epochs.append(
                TrainingRecord.Epoch(
                    number: number + 1, trainLoss: Double(bitPattern: random.next() >> 2),
                    testLoss: random.happens(0.5) ? nil : Double(random.below(1000)) / 3,
                    trainSecondTerm: random.happens(0.5) ? nil : Double(random.below(1000)) / 3,
                    testSecondTerm: random.happens(0.5) ? nil : Double(random.below(1000)) / 3))
        }
        record.add(
            lossSum: Double(random.below(1000)) / 7, secondTermSum: Double(random.below(1000)) / 9,
            examples: random.below(100))
        _ = record.takeInterval()
        record.add(
            lossSum: Double(random.below(1000)) / 7, secondTermSum: Double(random.below(1000)) / 9,
            examples: random.below(100))
        record.metricsLength = random.below(1 << 40)
        #expect(try roundTrip(record) == record)
    }

    @Test func notANumberComesBackToo() throws {
        var record = TrainingRecord()
        record.epochs = [TrainingRecord.Epoch(number: 1, trainLoss: .nan, testLoss: -.infinity)]
        record.lossSum = -0.0
        let copy = try roundTrip(record)
        #expect(copy.epochs[0].trainLoss?.bitPattern == Double.nan.bitPattern)
        #expect(copy.epochs[0].testLoss == -.infinity)
        #expect(copy.lossSum.sign == .minus)
    }

    @Test func theIntervalBeginsAnewAndTheEpochDoesNot() {
        var record = TrainingRecord()
        #expect(record.runningLoss == nil)
        record.add(lossSum: 8, secondTermSum: 4, examples: 4)
        #expect(record.takeInterval() == MeanLoss(loss: 2, secondTerm: 1))
        record.add(lossSum: 2, secondTermSum: 2, examples: 1)
        record.add(lossSum: 0, examples: 3)
        #expect(record.takeInterval() == MeanLoss(loss: 0.5, secondTerm: 0.5))
        #expect(record.runningLoss == 1.25)
        #expect(record.runningSecondTerm == 0.75)
        record.beginEpoch()
        #expect(record.runningLoss == nil && record.runningSecondTerm == nil)
    }

    @Test(arguments: ["epochs", "loss_sum", "examples", "interval_loss_sum", "interval_examples", "metrics_length"])
    func aMissingFieldIsNoticed(field: String) throws {
        let members = try #require(TrainingRecord().json.members)
        #expect(members.contains { $0.key == field })
        #expect(TrainingRecord(json: .object(members.filter { $0.key != field })) == nil)
    }
}
