// From the frames of a shard to its sums: checks what the kernels would not, and summarizes what they give. Used by workers, and by
// the coordinator's arbiter.
internal import Coordination
internal import Messaging
internal import ModelCore

extension Frame {
    var fingerprint: UInt64 { withUnsafeBytes { Coordination.fingerprint(of: $0) } }
}

extension WeightsContent {
    /// Of the payload frames of a weights message.
    ///
    /// - Parameter weights: the fingerprint of the first, if it is known
    init(_ frames: [Frame], weights: UInt64? = nil) {
        self.init(
            weights: weights ?? frames.first?.fingerprint ?? 0,
            latentGradients: frames.count > 1 ? frames[1].count / 4 : 0,
            latentGradient: frames.count > 1 ? frames[1].fingerprint : 0)
    }
}

/// The answer to a lease: per node its summary, and its gradient (whose buffer goes back with `ShardComputer.recycle`) or its latent
/// vectors.
struct ShardSums {
    let nodes: [NodeSummary]
    let gradients: [GradientBuffer]
    /// Of a first round: what the second needs.
    var passes: ShardPasses?
}

/// Why the payload of a lease cannot be computed on; nil: it can. The core cannot know: it has no model.
func objection(to lease: ShardLease, payload: [Frame], weights: [Frame], _ computer: ShardComputer) -> String? {
    let network = computer.network
    guard lease.imagesPerExample == network.kind.imagesPerExample,
        network.kind.isInBatch == (lease.task != .gradients)
    else {
        return "this build does not know the job it was given"
    }
    let most = lease.range.count * microbatchSize
    guard (most - microbatchSize + 1...most).contains(lease.examples) else {
        return "\(lease.examples) examples are not those of the microbatches \(lease.range)"
    }
    let latentFloats = lease.totalExamples * network.kind.towers * network.latentDimensions
    guard weights.count == (lease.task == .gradientsOfLatents ? 2 : 1),
        weights.count == 1 || weights[1].count == 4 * latentFloats
    else { return "these weights are of another round" }
    guard payload.count == 2, payload[0].count == lease.examples * lease.imagesPerExample * imagePixels else {
        return "the images of the first round are not here any more"
    }
    guard targetsAreValid(payload[1]) else { return "a target is no class" }
    return nil
}

extension ShardComputer {
    /// The answer to a lease whose payload there is no objection to.
    ///
    /// - Parameters:
    ///   - passes: kept from a first round
    ///   - between: called after each microbatch of this thread, with the number done so far; what it throws ends the
    ///     computation
    func sums(
        of lease: ShardLease, payload: [Frame], weights: [Frame], passes: ShardPasses? = nil,
        between: (Int) throws -> Void
    ) throws -> ShardSums {
        if lease.task == .embeddings { return try latents(of: lease, payload, weights[0], between) }
        let partials = try withShard(payload, examples: lease.examples, weights: weights[0]) { floats, examples in
            guard lease.task == .gradientsOfLatents else {
                return try compute(lease, examples, weights: floats, between: between)
            }
            return try weights[1].withUnsafeBytes { bytes in
                try withAlignedFloats(bytes) { slopes in
                    let round = SecondRound(latentGradients: slopes, passes: passes)
                    return try compute(lease, examples, weights: floats, round: round, between: between)
                }
            }
        }
        let nodes = zip(lease.nodes, partials).map { node, partial in
            NodeSummary(
                node: node, examples: partial.exampleCount, active: partial.activeCount, lossSum: partial.lossSum,
                secondTermSum: partial.secondTermSum, gradient: partial.gradient.fingerprint)
        }
        return ShardSums(nodes: nodes, gradients: partials.map(\.gradient))
    }

    /// The first round: the latent vectors of each node's examples.
    private func latents(
        of lease: ShardLease, _ payload: [Frame], _ weights: Frame, _ between: (Int) throws -> Void
    ) throws -> ShardSums {
        let perExample = network.kind.towers * network.latentDimensions
        var latents = [Float](repeating: 0, count: lease.examples * perExample)
        let passes = try latents.withUnsafeMutableBufferPointer { latents in
            try withShard(payload, examples: lease.examples, weights: weights) { weights, examples in
                guard let latents = latents.baseAddress else { preconditionFailure("a shard has examples") }
                return try embed(lease, examples, weights: weights, into: latents, between: between)
            }
        }
        let extent = StepExtent(examples: lease.totalExamples, examplesPerMicrobatch: microbatchSize)
        let buffers = lease.nodes.map { node in
            let first = (node.first - lease.range.first) * microbatchSize * perExample
            let buffer = GradientBuffer(count: extent.examples(in: node) * perExample)
            _ = buffer.values.update(from: latents[first..<first + buffer.count])
            return buffer
        }
        let nodes = zip(lease.nodes, buffers).map { node, buffer in
            NodeSummary(
                node: node, examples: UInt32(extent.examples(in: node)), active: 0, lossSum: 0, secondTermSum: 0,
                gradient: buffer.fingerprint)
        }
        return ShardSums(nodes: nodes, gradients: buffers, passes: passes)
    }
}

/// Targets index the classes: a wrong one must not reach the kernels.
private func targetsAreValid(_ frame: Frame) -> Bool {
    frame.withUnsafeBytes { bytes in
        stride(from: 0, to: bytes.count, by: 4).allSatisfy {
            (0..<Int32(classCount)).contains(bytes.loadUnaligned(fromByteOffset: $0, as: Int32.self))
        }
    }
}

/// Calls `body` with aligned weights, and the pixels and targets of a shard's two payload frames.
private func withShard<T>(
    _ frames: [Frame], examples: Int, weights: Frame, _ body: (UnsafePointer<Float>, ShardExamples) throws -> T
) throws -> T {
    let targets = frames[1].withUnsafeBytes { bytes in
        (0..<examples).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self) }
    }
    return try weights.withUnsafeBytes { weights in
        try frames[0].withUnsafeBytes { pixels in
            try targets.withUnsafeBufferPointer { targets in
                try withAlignedFloats(weights) { weights in
                    guard let pixels = pixels.assumingMemoryBound(to: UInt8.self).baseAddress,
                        let targets = targets.baseAddress
                    else { preconditionFailure("a shard has examples: the decoder checked it") }
                    return try body(weights, ShardExamples(pixels: pixels, targets: targets))
                }
            }
        }
    }
}

/// Received bytes may lie anywhere; floats are read in place only where they are aligned.
private func withAlignedFloats<T>(
    _ bytes: UnsafeRawBufferPointer, _ body: (UnsafePointer<Float>) throws -> T
) rethrows -> T {
    if let start = bytes.baseAddress, UInt(bitPattern: start) % 4 == 0 {
        return try body(start.assumingMemoryBound(to: Float.self))
    }
    let copy = ParameterBuffer(count: bytes.count / 4)
    UnsafeMutableRawBufferPointer(copy.values).copyMemory(from: bytes)
    return try withExtendedLifetime(copy) { try body(copy.floats) }
}
