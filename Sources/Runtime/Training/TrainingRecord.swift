// What a run has seen so far besides its weights: losses per epoch and the length of metrics.jsonl. Goes into the checkpoint, so that a
// resumed run draws the same pictures as one that never stopped.
package import Artifacts

/// The past of a run.
package struct TrainingRecord: Equatable, Sendable {
    package struct Epoch: Equatable, Sendable {
        package var number: Int
        /// Mean over the epoch's examples.
        package var trainLoss: Double?
        package var testLoss: Double?
        /// The same of the loss's second term, where it has two.
        package var trainSecondTerm: Double?
        package var testSecondTerm: Double?

        package init(
            number: Int, trainLoss: Double?, testLoss: Double?, trainSecondTerm: Double? = nil,
            testSecondTerm: Double? = nil
        ) {
            self.number = number
            self.trainLoss = trainLoss
            self.testLoss = testLoss
            self.trainSecondTerm = trainSecondTerm
            self.testSecondTerm = testSecondTerm
        }
    }

    /// Finished epochs, and the last one of a run that ended within an epoch.
    package var epochs: [Epoch] = []
    /// Σ loss and number of examples of the epoch under way.
    package var lossSum = 0.0
    package var secondTermSum = 0.0
    package var examples = 0
    /// The same since the last line of metrics.jsonl: a checkpoint may come between two lines.
    package var intervalLossSum = 0.0
    package var intervalSecondTermSum = 0.0
    package var intervalExamples = 0
    /// Bytes of metrics.jsonl that belong to the steps so far.
    package var metricsLength = 0

    package var runningLoss: Double? { examples > 0 ? lossSum / Double(examples) : nil }

    package var runningSecondTerm: Double? { examples > 0 ? secondTermSum / Double(examples) : nil }

    /// A step's losses.
    package mutating func add(lossSum: Double, secondTermSum: Double = 0, examples: Int) {
        self.lossSum += lossSum
        self.secondTermSum += secondTermSum
        self.examples += examples
        intervalLossSum += lossSum
        intervalSecondTermSum += secondTermSum
        intervalExamples += examples
    }

    /// Mean loss since it was last taken, and mean second term; there has been a step.
    package mutating func takeInterval() -> MeanLoss {
        defer { (intervalLossSum, intervalSecondTermSum, intervalExamples) = (0, 0, 0) }
        return MeanLoss(
            loss: intervalLossSum / Double(intervalExamples),
            secondTerm: intervalSecondTermSum / Double(intervalExamples))
    }

    /// The next epoch begins.
    package mutating func beginEpoch() { (lossSum, secondTermSum, examples) = (0, 0, 0) }

    package var json: JSONValue {
        [
            "epochs": .array(
                epochs.map {
                    [
                        "number": .integer($0.number), "train": .bits($0.trainLoss), "test": .bits($0.testLoss),
                        "train_second_term": .bits($0.trainSecondTerm), "test_second_term": .bits($0.testSecondTerm),
                    ]
                }),
            "loss_sum": .bits(lossSum), "examples": .integer(examples),
            "interval_loss_sum": .bits(intervalLossSum), "interval_examples": .integer(intervalExamples),
            "metrics_length": .integer(metricsLength), "second_term_sum": .bits(secondTermSum),
            "interval_second_term_sum": .bits(intervalSecondTermSum),
        ]
    }

    package init() {}

    package init?(json: JSONValue) {
        guard let epochs = json["epochs"]?.array, let lossSum = json["loss_sum"]?.double,
            let examples = json["examples"]?.integer,
            let intervalLossSum = json["interval_loss_sum"]?.double,
            let intervalExamples = json["interval_examples"]?.integer,
            let metricsLength = json["metrics_length"]?.integer,
            [examples, intervalExamples, metricsLength].allSatisfy(\.isPlausibleCount)
        else { return nil }
        for epoch in epochs {
            guard let number = epoch["number"]?.integer, number.isPlausibleCount else { return nil }
            self.epochs.append(
                Epoch(
                    number: number, trainLoss: epoch["train"]?.double, testLoss: epoch["test"]?.double,
                    trainSecondTerm: epoch["train_second_term"]?.double,
                    testSecondTerm: epoch["test_second_term"]?.double))
        }
        self.lossSum = lossSum
        self.examples = examples
        self.intervalLossSum = intervalLossSum
        self.intervalExamples = intervalExamples
        self.metricsLength = metricsLength
        // Checkpoints from before there was such a loss have none.
        secondTermSum = json["second_term_sum"]?.double ?? 0
        intervalSecondTermSum = json["interval_second_term_sum"]?.double ?? 0
    }
}

extension Int {
    /// Whether a file may say that there have been so many: what is still to come can be added.
    var isPlausibleCount: Bool { (0...1 << 53).contains(self) }
}

extension JSONValue {
    /// A number by its bits, so that it comes back exactly and may be NaN.
    fileprivate static func bits(_ value: Double?) -> JSONValue {
        value.map { .string("0x" + String($0.bitPattern, radix: 16)) } ?? nil
    }

    fileprivate var double: Double? {
        string.flatMap { UInt64($0.dropFirst(2), radix: 16) }.map(Double.init(bitPattern:))
    }
}
