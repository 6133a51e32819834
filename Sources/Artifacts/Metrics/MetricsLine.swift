// One line of metrics.jsonl: how the run stood after a step. Encodes and decodes; who writes the file is the Runtime.

/// The terms of a variational autoencoder's loss, which is reconstruction + β · divergence. Means per example, in nats.
package struct LossTerms: Equatable, Sendable {
    package var reconstruction: Double
    package var divergence: Double

    package init(reconstruction: Double, divergence: Double) {
        self.reconstruction = reconstruction
        self.divergence = divergence
    }
}

/// How the latent space fares, as one batch shows it.
package struct MetricsHealth: Equatable, Sendable {
    /// Pairs, triplets or anchors that entered the loss, and how many of them had one.
    package var tuples: Int
    package var active: Int
    /// Mean distances of vectors of the same class and of different ones, and mean length of a vector; nil: not known, or there were
    /// none.
    package var positiveDistance: Double?
    package var negativeDistance: Double?
    package var norm: Double?

    package init(
        tuples: Int, active: Int, positiveDistance: Double? = nil, negativeDistance: Double? = nil, norm: Double? = nil
    ) {
        self.tuples = tuples
        self.active = active
        self.positiveDistance = positiveDistance
        self.negativeDistance = negativeDistance
        self.norm = norm
    }

    /// From 0 to 1; nil: no tuple.
    package var activeFraction: Double? { tuples > 0 ? Double(active) / Double(tuples) : nil }

    fileprivate func add(to object: inout JSONValue) {
        object["tuples"] = .integer(tuples)
        object["active_fraction"] = JSONValue(orNull: activeFraction)
        object["positive_distance"] = JSONValue(orNull: positiveDistance)
        object["negative_distance"] = JSONValue(orNull: negativeDistance)
        object["embedding_norm"] = JSONValue(orNull: norm)
    }

    /// Nil where the line has none.
    fileprivate init?(_ object: JSONValue) throws(JSONError) {
        guard let tuples = object["tuples"]?.integer else { return nil }
        let fraction = object["active_fraction"]?.number ?? 0
        guard MetricsLine.counts.contains(tuples), (0...1).contains(fraction) else {
            throw JSONError(offset: 0, reason: "tuples must be a count, and active_fraction from 0 to 1")
        }
        self.init(
            tuples: tuples, active: Int((fraction * Double(tuples)).rounded()),
            positiveDistance: object["positive_distance"]?.number,
            negativeDistance: object["negative_distance"]?.number, norm: object["embedding_norm"]?.number)
    }
}

/// One measurement of the loss. Key order is fixed, numbers are the shortest that read back as the same bits, and a
/// number that is not known or not finite is `null`: all lines of a run's split have the same keys, so that whoever reads
/// them as a table has the same columns from the first line to the last.
package struct MetricsLine: Equatable, Sendable {
    package enum Split: String, Sendable { case train, test }

    /// What a line may say that there have been: numbers that a plot can still tell apart.
    fileprivate static let counts = 0...1 << 48

    /// Optimizer steps done.
    package var step: Int
    /// 1-based epoch that the step belongs to; 0 before any training.
    package var epoch: Int
    package var split: Split
    /// Mean loss per example. NaN where none is known.
    package var loss: Double
    /// The two terms of a variational autoencoder's loss.
    package var terms: LossTerms?
    /// Of the step's batch, where the loss is over tuples.
    package var health: MetricsHealth?
    /// Training images per second, of training lines; nil where nothing was timed.
    package var imagesPerSecond: Double?

    package init(
        step: Int, epoch: Int, split: Split, loss: Double, terms: LossTerms? = nil,
        health: MetricsHealth? = nil, imagesPerSecond: Double? = nil
    ) {
        self.step = step
        self.epoch = epoch
        self.split = split
        self.loss = loss
        self.terms = terms
        self.health = health
        self.imagesPerSecond = imagesPerSecond
    }

    /// The line with its newline.
    package func encoded() -> [UInt8] {
        var object: JSONValue = [
            "step": .integer(step), "epoch": .integer(epoch), "split": .string(split.rawValue), "loss": .number(loss),
        ]
        if let terms {
            object["reconstruction"] = .number(terms.reconstruction)
            object["kl"] = .number(terms.divergence)
        }
        health?.add(to: &object)
        if split == .train { object["images_per_second"] = JSONValue(orNull: imagesPerSecond) }
        return object.compact() + [UInt8(ascii: "\n")]
    }

    /// Reads a line back, so that a resumed run can draw its whole past; unknown keys are passed over.
    package init(decoding line: [UInt8]) throws(JSONError) {
        let object = try JSONValue(parsing: line)
        guard let step = object["step"]?.integer, let epoch = object["epoch"]?.integer,
            let split = object["split"]?.string.flatMap(Split.init(rawValue:)), let loss = object["loss"]
        else {
            throw JSONError(offset: 0, reason: "a metrics line needs step, epoch, split (train or test) and loss")
        }
        guard Self.counts.contains(step), Self.counts.contains(epoch) else {
            throw JSONError(offset: 0, reason: "step and epoch must be counts, not \(step) and \(epoch)")
        }
        var terms: LossTerms?
        if let reconstruction = object["reconstruction"], let divergence = object["kl"] {
            terms = LossTerms(reconstruction: reconstruction.number ?? .nan, divergence: divergence.number ?? .nan)
        }
        self.init(
            step: step, epoch: epoch, split: split, loss: loss.number ?? .nan, terms: terms,
            health: try MetricsHealth(object), imagesPerSecond: object["images_per_second"]?.number)
    }
}
