// Random numbers that belong to an example of a run, whoever computes it: a pure function of the run's seed and the example's position.
// A microbatch knows the positions of its examples; how many numbers of which distribution a loss draws is its own affair.

/// Which examples a microbatch has, as far as their random numbers go. Its examples are next to each other.
package enum ExamplePositions: Equatable, Sendable {
    /// Of training, from this position on; no position comes twice in a run (`NoisePlan.position`).
    case training(first: Int)
    /// Of the validation set, from this index on: every epoch draws the same numbers.
    case validation(first: Int)
}

/// How the random numbers of a run's examples are drawn. It enters the result.
package struct NoisePlan: Equatable, Sendable {
    package let seed: UInt64
    /// Examples of every step but the last of an epoch, which may have fewer.
    package let batchSize: Int

    package init(seed: UInt64, batchSize: Int) {
        self.seed = seed
        self.batchSize = batchSize
    }

    /// The position of an example in the whole run.
    ///
    /// - Parameters:
    ///   - step: from 1. A peer may claim any number, so the arithmetic wraps around.
    ///   - example: index in the step
    package func position(step: UInt64, example: Int) -> Int {
        Int(truncatingIfNeeded: step &- 1) &* batchSize &+ example
    }

    /// The stream and the position in it that belong to example `index` of a microbatch.
    ///
    /// - Parameters:
    ///   - training, validation: the stream's name for either
    func stream(
        of positions: ExamplePositions, training: StreamName, validation: StreamName
    ) -> (stream: RandomStream, first: Int) {
        switch positions {
        case .training(let first): (RandomStream(seed: seed, name: training), first)
        case .validation(let first): (RandomStream(seed: seed, name: validation), first)
        }
    }
}

extension RandomStream {
    /// A standard normal number, by Box & Muller (1958) from the uniform words 2·draw and 2·draw + 1 of `position`.
    package func standardNormal(at position: Int, draw: Int = 0) -> Float {
        // 1 − u is in (0, 1], so its logarithm is finite.
        let radius = (-2 * logarithm(1 - Double(uniform(at: position, draw: 2 * draw)))).squareRoot()
        return Float(radius * cosineOfTurns(Double(uniform(at: position, draw: 2 * draw + 1))))
    }
}
