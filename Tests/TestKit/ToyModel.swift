// A "model" of five floats whose gradients make every mistake visible: magnitudes vary over 2²⁴, so any other order of
// summation, a missing or doubled microbatch, or stale weights change the bits. It learns nothing.

package import Coordination

/// Gradients by hashing, and an optimizer that feeds the sum back into the weights.
package enum ToyModel {
    package static let parameterCount = 5
    package static let initialWeights: [Float] = [1, -0.5, 0.25, 3, -7]

    /// The gradient sum of one microbatch with its loss and counts, as a partial in `gradient`.
    static func fill(_ gradient: GradientBuffer, with sums: Sums) -> Partial {
        for (index, value) in sums.values.enumerated() { gradient.values[index] = value }
        return Partial(
            gradient: gradient, lossSum: sums.loss, secondTermSum: sums.secondTerm, exampleCount: sums.examples,
            activeCount: sums.active)
    }

    /// Weights after one step. Every operation is exact or rounded once, so it has the same bits everywhere.
    package static func update(_ weights: [Float], root: Sums) -> [Float] {
        zip(weights, root.values).map { weight, sum in weight * 0.5 + sum * 0.015625 }
    }

    /// The digest of a whole fault-free run, by naive recursion over the tree: no tree, no cores, no messages.
    package static func referenceDigest(steps: Int, extent: StepExtent, isTwoRounds: Bool = false) -> UInt64 {
        var weights = initialWeights
        var digest = RunDigest()
        for step in 1...UInt64(steps) {
            let root = isTwoRounds ? twoRounds(step, weights, extent) : oneRound(step, weights, extent)
            weights = update(weights, root: root)
            digest.add(weights: weights, root: root)
        }
        return digest.value
    }

    private static func oneRound(_ step: UInt64, _ weights: [Float], _ extent: StepExtent) -> Sums {
        naiveSum(extent.allMicrobatches) { microbatch in
            gradientSums(
                step: step, microbatch: microbatch, weights: weights,
                examples: extent.examples(in: MicrobatchRange(first: microbatch, count: 1)))
        }
    }

    private static func twoRounds(_ step: UInt64, _ weights: [Float], _ extent: StepExtent) -> Sums {
        let latents = (0..<extent.microbatches).map { microbatch in
            Self.latents(step: step, microbatch: microbatch, weights: weights, extent: extent)
        }
        guard let batch = evaluate(latents.flatMap { $0 }) else { preconditionFailure("latent vectors are finite") }
        let root = naiveSum(extent.allMicrobatches) { microbatch in
            secondSums(
                step: step, microbatch: microbatch, weights: weights, latents: latents[microbatch],
                latentGradients: batch.latentGradients, extent: extent)
        }
        return root.with(batch)
    }

    private static func naiveSum(_ node: MicrobatchRange, of leaf: (Int) -> Sums) -> Sums {
        guard node.count > 1 else { return leaf(node.first) }
        var power = 1
        while power * 2 < node.count { power *= 2 }
        let left = naiveSum(MicrobatchRange(first: node.first, count: power), of: leaf)
        return left + naiveSum(MicrobatchRange(first: node.first + power, count: node.count - power), of: leaf)
    }

    static func gradientSums(step: UInt64, microbatch: Int, weights: [Float], examples: Int) -> Sums {
        var hash = SplitMix64.mix(step &* 1_000_003 &+ UInt64(microbatch))
        for weight in weights { hash = SplitMix64.mix(hash ^ UInt64(weight.bitPattern)) }
        var random = SplitMix64(seed: hash)
        let values = (0..<parameterCount).map { _ in variedFloat(&random) }
        return Sums(
            values: values, loss: Double(variedFloat(&random)), examples: UInt32(examples),
            active: UInt32(random.within(0...examples)), secondTerm: Double(variedFloat(&random)))
    }

    static func variedFloat(_ random: inout SplitMix64) -> Float {
        let bits = random.next()
        let exponent = Int(bits >> 32) % 24 - 12
        let significand = Float(1) + Float(bits & 0x7f_ffff) * 0x1p-23
        return Float(sign: bits >> 63 == 0 ? .plus : .minus, exponent: exponent, significand: significand)
    }
}

/// The sums of a node as plain values.
package struct Sums: Sendable {
    package let values: [Float]
    package let loss: Double
    package let examples: UInt32
    package let active: UInt32
    package let secondTerm: Double

    static func + (left: Sums, right: Sums) -> Sums {
        Sums(
            values: zip(left.values, right.values).map { $0 + $1 }, loss: left.loss + right.loss,
            examples: left.examples + right.examples, active: left.active + right.active,
            secondTerm: left.secondTerm + right.secondTerm)
    }
}

extension Sums {
    /// With the loss of the whole batch.
    func with(_ batch: ToyModel.BatchLoss) -> Sums {
        Sums(
            values: values, loss: batch.loss, examples: examples, active: batch.active, secondTerm: batch.secondTerm)
    }

    init(_ partial: Partial) {
        self.init(
            values: Array(partial.gradient.values), loss: partial.lossSum, examples: partial.exampleCount,
            active: partial.activeCount, secondTerm: partial.secondTermSum)
    }
}

/// A running hash over everything that a step produces.
package struct RunDigest: Equatable, Sendable {
    package private(set) var value: UInt64 = 0

    mutating func add(weights: [Float], root: Sums) {
        for weight in weights { value = SplitMix64.mix(value ^ UInt64(weight.bitPattern)) }
        value = SplitMix64.mix(value ^ root.loss.bitPattern)
        value = SplitMix64.mix(value ^ root.secondTerm.bitPattern)
        value = SplitMix64.mix(value ^ UInt64(root.examples) << 32 ^ UInt64(root.active))
    }
}
