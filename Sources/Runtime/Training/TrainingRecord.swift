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

        package init(number: Int, trainLoss: Double?, testLoss: Double?) {
            self.number = number
            self.trainLoss = trainLoss
            self.testLoss = testLoss
        }
    }

    /// Finished epochs, and the last one of a run that ended within an epoch.
    package var epochs: [Epoch] = []
    /// Σ loss and number of examples of the epoch under way.
    package var lossSum = 0.0
    package var examples = 0
    /// The same since the last line of metrics.jsonl: a checkpoint may come between two lines.
    package var intervalLossSum = 0.0
    package var intervalExamples = 0
    /// Bytes of metrics.jsonl that belong to the steps so far.
    package var metricsLength = 0

    package var runningLoss: Double? { examples > 0 ? lossSum / Double(examples) : nil }

    /// A step's losses.
    package mutating func add(lossSum: Double, examples: Int) {
        self.lossSum += lossSum
        self.examples += examples
        intervalLossSum += lossSum
        intervalExamples += examples
    }

    /// Mean loss since it was last taken; there has been a step.
    package mutating func takeIntervalLoss() -> Double {
        defer { (intervalLossSum, intervalExamples) = (0, 0) }
        return intervalLossSum / Double(intervalExamples)
    }

    package var json: JSONValue {
        [
            "epochs": .array(
                epochs.map {
                    [
                        "number": .integer($0.number), "train": .bits($0.trainLoss), "test": .bits($0.testLoss),
                    ]
                }),
            "loss_sum": .bits(lossSum), "examples": .integer(examples),
            "interval_loss_sum": .bits(intervalLossSum), "interval_examples": .integer(intervalExamples),
            "metrics_length": .integer(metricsLength),
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
            guard let number = epoch["number"]?.integer else { return nil }
            self.epochs.append(
                Epoch(number: number, trainLoss: epoch["train"]?.double, testLoss: epoch["test"]?.double))
        }
        self.lossSum = lossSum
        self.examples = examples
        self.intervalLossSum = intervalLossSum
        self.intervalExamples = intervalExamples
        self.metricsLength = metricsLength
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
