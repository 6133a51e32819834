// The toy model in two rounds: latent vectors by hashing, a "loss" of the whole batch that depends on every one of them and on their
// order, and gradients that depend on both. Also its images, so that who computes from the wrong ones is found out.

import Coordination

extension ToyModel {
    /// Floats in the latent vector of an example.
    static let latentCount = 2

    /// The latent vectors of a microbatch, [example][dimension].
    static func latents(step: UInt64, microbatch: Int, weights: [Float], extent: StepExtent) -> [Float] {
        let range = MicrobatchRange(first: microbatch, count: 1)
        var hash = SplitMix64.mix(~step &* 1_000_003 &+ UInt64(microbatch))
        for weight in weights { hash = SplitMix64.mix(hash ^ UInt64(weight.bitPattern)) }
        var random = SplitMix64(seed: hash)
        return (0..<extent.examples(in: range) * latentCount).map { _ in variedFloat(&random) }
    }

    /// What the coordinator makes of all latent vectors of a batch.
    struct BatchLoss {
        /// [example][dimension]
        let latentGradients: [Float]
        let loss: Double
        let secondTerm: Double
        let active: UInt32
    }

    /// - Returns: nil if a latent vector is not finite
    static func evaluate(_ latents: [Float]) -> BatchLoss? {
        guard latents.allSatisfy(\.isFinite) else { return nil }
        let hash = hash(of: latents, seed: 0)
        var random = SplitMix64(seed: hash)
        let gradients = latents.map { _ in variedFloat(&random) }
        return BatchLoss(
            latentGradients: gradients, loss: Double(variedFloat(&random)), secondTerm: Double(variedFloat(&random)),
            active: UInt32(random.within(0...latents.count / latentCount)))
    }

    static func hash(of floats: some Sequence<Float>, seed: UInt64) -> UInt64 {
        floats.reduce(seed) { SplitMix64.mix($0 ^ UInt64($1.bitPattern)) }
    }

    /// The gradient sum of one microbatch in a second round.
    ///
    /// - Parameters:
    ///   - latents: what the first round gave for the microbatch
    ///   - latentGradients: of the whole batch
    static func secondSums(
        step: UInt64, microbatch: Int, weights: [Float], latents: [Float], latentGradients: [Float], extent: StepExtent
    ) -> Sums {
        let first = microbatch * extent.examplesPerMicrobatch * latentCount
        let own = latentGradients[first..<first + latents.count]
        let salt = hash(of: own, seed: hash(of: latents, seed: 1))
        let examples = latents.count / latentCount
        let sums = gradientSums(step: step ^ salt, microbatch: microbatch, weights: weights, examples: examples)
        return Sums(values: sums.values, loss: 0, examples: UInt32(examples), active: 0, secondTerm: 0)
    }

    // MARK: Images

    /// What the first bytes of an example's images say.
    static func mark(step: UInt64, example: Int) -> UInt64 { SplitMix64.mix(step &* 7_000_003 &+ UInt64(example)) }

    /// The images of consecutive microbatches of a step: marks and zeros.
    static func images(step: UInt64, _ lease: ShardLease, extent: StepExtent) -> [UInt8] {
        let size = ShardLease.bytesPerImage
        var pixels = [UInt8](repeating: 0, count: lease.examples * lease.imagesPerExample * size)
        pixels.withUnsafeMutableBytes { pixels in
            for image in 0..<lease.examples * lease.imagesPerExample {
                let example = lease.range.first * extent.examplesPerMicrobatch + image % lease.examples
                pixels.storeBytes(of: mark(step: step, example: example), toByteOffset: image * size, as: UInt64.self)
            }
        }
        return pixels
    }

    /// Whether these are the images of a lease.
    static func areImages(_ pixels: [UInt8], step: UInt64, of lease: ShardLease, extent: StepExtent) -> Bool {
        let size = ShardLease.bytesPerImage
        guard pixels.count == lease.examples * lease.imagesPerExample * size else { return false }
        return pixels.withUnsafeBytes { pixels in
            (0..<lease.examples * lease.imagesPerExample).allSatisfy { image in
                let example = lease.range.first * extent.examplesPerMicrobatch + image % lease.examples
                return pixels.loadUnaligned(fromByteOffset: image * size, as: UInt64.self)
                    == mark(step: step, example: example)
            }
        }
    }
}

/// The latent vectors of consecutive microbatches, put together from answers.
struct ToySheet {
    let part: MicrobatchRange
    let extent: StepExtent
    private(set) var latents: [Float]

    init(_ part: MicrobatchRange, of extent: StepExtent) {
        (self.part, self.extent) = (part, extent)
        latents = [Float](repeating: 0, count: extent.examples(in: part) * ToyModel.latentCount)
    }

    private func place(of node: MicrobatchRange) -> Range<Int> {
        let first = (node.first - part.first) * extent.examplesPerMicrobatch * ToyModel.latentCount
        return first..<first + extent.examples(in: node) * ToyModel.latentCount
    }

    mutating func insert(_ frame: [UInt8], at node: MicrobatchRange) {
        latents.replaceSubrange(place(of: node), with: FloatFrame.floats(frame))
    }

    func node(_ node: MicrobatchRange) -> (summary: NodeSummary, frame: [UInt8]) {
        let frame = FloatFrame.bytes(latents[place(of: node)])
        return (
            NodeSummary(
                node: node, examples: UInt32(extent.examples(in: node)), active: 0, lossSum: 0,
                gradient: fingerprint(of: frame)), frame
        )
    }
}

extension NodeSummary {
    init(_ node: MicrobatchRange, _ partial: Partial) {
        self.init(
            node: node, examples: partial.exampleCount, active: partial.activeCount, lossSum: partial.lossSum,
            secondTermSum: partial.secondTermSum, gradient: partial.gradient.fingerprint)
    }
}
