// What is to be made of a shard. A step of most networks is one round; a loss over the latent vectors of the whole batch takes two
// (docs/exactness.md, item 6), which this protocol counts as two steps with numbers of their own.

/// What a worker makes of the images of a shard.
package enum ShardTask: UInt16, Sendable, CaseIterable {
    /// Losses and gradient sums, from the images alone.
    case gradients = 0
    /// Latent vectors: the first of two rounds.
    case embeddings = 1
    /// Gradient sums from the gradients of the latent vectors, which come with the weights: the second round.
    case gradientsOfLatents = 2

    /// The number that the protocol gives to the round of a training step.
    package func number(ofStep step: UInt64) -> UInt64 {
        switch self {
        case .gradients: step
        case .embeddings: 2 * step - 1
        case .gradientsOfLatents: 2 * step
        }
    }

    /// The training step of the round that the protocol gives this number.
    package func step(ofNumber number: UInt64) -> UInt64 { self == .gradients ? number : (number + 1) / 2 }

    /// What a microbatch of it costs, about, where that of `gradients` costs 1.
    var cost: Double {
        switch self {
        case .gradients: 1
        case .embeddings: 0.35
        case .gradientsOfLatents: 0.65
        }
    }
}

/// What belongs to the weights of a step, each as the fingerprint of a payload frame: the weights themselves, and in a second round
/// the gradients of all latent vectors of the batch.
package struct WeightsContent: Equatable, Sendable {
    package let weights: UInt64
    /// Floats of the gradients of the latent vectors; 0: there is no such frame.
    package let latentGradients: Int
    package let latentGradient: UInt64

    package init(weights: UInt64, latentGradients: Int = 0, latentGradient: UInt64 = 0) {
        self.weights = weights
        self.latentGradients = latentGradients
        self.latentGradient = latentGradients > 0 ? latentGradient : 0
    }

    /// One number for all of it: an answer tells with it what it was computed at.
    package var fingerprint: UInt64 {
        guard latentGradients > 0 else { return weights }
        return (weights ^ latentGradient &* 0x9E37_79B9_7F4A_7C15).byteSwapped &+ UInt64(latentGradients)
    }

    func encode(_ writer: inout HeaderWriter) {
        writer.integer(weights)
        writer.integer(UInt32(latentGradients))
        writer.integer(latentGradient)
    }

    init(_ reader: inout HeaderReader, _ limits: MessageLimits) throws(DecodingFailure) {
        weights = try reader.integer("fingerprint of the weights")
        latentGradients = try reader.count("gradients of latent vectors", limit: limits.maximumParameterCount)
        latentGradient = try reader.integer("fingerprint of the gradients of latent vectors")
        guard latentGradients > 0 || latentGradient == 0 else {
            throw .inconsistent("a fingerprint of gradients of latent vectors that are not there")
        }
    }

    func payload(_ limits: MessageLimits) throws(DecodingFailure) -> [PayloadFrame] {
        let weights = PayloadFrame(size: try limits.floatFrameBytes(), fingerprint: weights)
        guard latentGradients > 0 else { return [weights] }
        return [weights, latentGradientFrame]
    }

    var latentGradientFrame: PayloadFrame { PayloadFrame(size: 4 * latentGradients, fingerprint: latentGradient) }
}
