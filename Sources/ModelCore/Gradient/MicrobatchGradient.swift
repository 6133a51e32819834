// "Gradient of a microbatch", the one big verb of the model core: pixels and targets in, the sum of the gradients of up to eight
// examples out. Never a mean, never more than one microbatch (docs/exactness.md, items 1 and 2).
internal import Kernels

/// Examples of a microbatch: a constant of the numerics version.
package var microbatchSize: Int { laneCount }

/// Up to eight examples: pixels [tower][example][784] with a stride between towers, and one target per example.
package struct Microbatch {
    package let pixels: UnsafePointer<UInt8>
    /// Bytes from one tower's first image to the next tower's.
    package let towerStride: Int
    /// Class of each image (classification), 1 or 0 for pairs of the same or of different classes; unused by triplets and
    /// autoencoders.
    package let targets: UnsafePointer<Int32>
    /// 1…8.
    package let examples: Int
    /// Where the examples' own random numbers are drawn, if the loss needs some.
    package let positions: ExamplePositions

    package init(
        pixels: UnsafePointer<UInt8>, towerStride: Int, targets: UnsafePointer<Int32>, examples: Int,
        positions: ExamplePositions = .training(first: 0)
    ) {
        precondition((1...microbatchSize).contains(examples), "a microbatch of \(examples) examples")
        self.pixels = pixels
        self.towerStride = towerStride
        self.targets = targets
        self.examples = examples
        self.positions = positions
    }
}

/// Computes losses and gradients of microbatches of one network. Allocates only in `init` and for its first loss without a gradient;
/// one per thread.
package final class MicrobatchGradient {
    package let network: NetworkDescription
    package let layout: ParameterLayout
    private let encoder: EncoderPass
    /// Of a variational autoencoder: everything after its encoder.
    private let variational: VariationalPass?
    /// Of NT-Xent, whose towers see one image in two ways.
    private let views: ImageViews?
    /// Where a loss without a gradient leaves the head's gradient.
    private lazy var discarded = ParameterBuffer(count: layout.paddedCount)

    /// - Parameter lender: another one of the same network, never used at the same time, whose memory serves for what is only needed
    ///   within a call, or can be restored
    package init(_ network: NetworkDescription, scratchOf lender: MicrobatchGradient? = nil) {
        self.network = network
        layout = ParameterLayout(network)
        let isVariational = network.kind == .variationalAutoencoder
        variational = isVariational ? VariationalPass(network, layout: layout) : nil
        views = network.kind == .ntXent ? ImageViews(network.noise) : nil
        encoder = EncoderPass(
            network, layout: layout, towers: network.kind.towers,
            outputs: network.latentDimensions * (isVariational ? 2 : 1), scratchOf: lender?.encoder,
            keepsInputs: views != nil)
    }

    /// Bytes of the activations and whatever else is its own.
    package var byteCount: Int { encoder.byteCount }

    /// Writes the sum of the examples' gradients to `gradient` (`layout.paddedCount` floats) and returns their loss.
    package func gradient(
        of microbatch: Microbatch, at parameters: UnsafePointer<Float>, into gradient: UnsafeMutablePointer<Float>
    ) -> LossSums {
        let sums = forward(microbatch, parameters, headGradient: gradient)
        variational?.backward(
            encoder.latents, encodedGradient: encoder.latentGradient, at: parameters, into: gradient)
        encoder.backward(parameters, into: gradient)
        for padding in layout.count..<layout.paddedCount { gradient[padding] = 0 }
        return sums
    }

    /// Writes the latent vectors of the examples, [example][tower][dimension], and keeps what `gradient(ofLatents:)` needs to go back
    /// from them.
    package func embed(
        _ microbatch: Microbatch, at parameters: UnsafePointer<Float>, into latents: UnsafeMutablePointer<Float>
    ) {
        load(microbatch)
        encoder.forward(parameters)
        let (view, d) = (LatentView(encoder.latents, dimensions: network.latentDimensions), network.latentDimensions)
        for example in 0..<microbatch.examples {
            for tower in 0..<encoder.towers {
                let row = latents + (example * encoder.towers + tower) * d
                for k in 0..<d { row[k] = view[tower, k, example] }
            }
        }
    }

    /// Makes ready to go back from the latent vectors of a microbatch, where others that share memory with this one have been used since it
    /// was embedded.
    package func restore(_ microbatch: Microbatch, at parameters: UnsafePointer<Float>) {
        // To make views again would take longer than to keep them.
        if views == nil { load(microbatch) }
        encoder.restore(parameters)
    }

    /// Writes the gradient of the microbatch that was embedded last, from that of its latent vectors
    /// ([example][tower][dimension]): `layout.paddedCount` floats.
    ///
    /// - Parameter parameters: those that it was embedded at
    package func gradient(
        ofLatents slopes: UnsafePointer<Float>, examples: Int, at parameters: UnsafePointer<Float>,
        into gradient: UnsafeMutablePointer<Float>
    ) {
        let d = network.latentDimensions
        encoder.latentGradient.update(repeating: .zero, count: encoder.towers * d)
        let view = LatentView(encoder.latentGradient, dimensions: d)
        for example in 0..<examples {
            for tower in 0..<encoder.towers {
                let row = slopes + (example * encoder.towers + tower) * d
                for k in 0..<d { view[tower, k, example] = row[k] }
            }
        }
        encoder.backward(parameters, into: gradient)
        for padding in layout.count..<layout.paddedCount { gradient[padding] = 0 }
    }

    /// The sum of the examples' losses.
    package func loss(of microbatch: Microbatch, at parameters: UnsafePointer<Float>) -> LossSums {
        forward(microbatch, parameters, headGradient: discarded.floats)
    }

    private func forward(
        _ microbatch: Microbatch, _ parameters: UnsafePointer<Float>, headGradient: UnsafeMutablePointer<Float>
    ) -> LossSums {
        load(microbatch)
        encoder.forward(parameters)
        return lossOfLatents(microbatch, parameters, headGradient: headGradient)
    }

    private func load(_ microbatch: Microbatch) {
        for tower in 0..<encoder.towers {
            let pixels = views?.view(tower, of: microbatch) ?? microbatch.pixels + tower * microbatch.towerStride
            encoder.load(pixels, images: microbatch.examples, tower: tower)
        }
    }

    /// The loss and its gradients at the latent vectors that are there from the last pass (of an autoencoder, the decoder
    /// forward, too): a part of `gradient` that can be measured by itself.
    package func lossOfLatents(
        _ microbatch: Microbatch, _ parameters: UnsafePointer<Float>, headGradient: UnsafeMutablePointer<Float>
    ) -> LossSums {
        if let variational {
            return variational.loss(encoder.latents, targets: encoder.inputs, of: microbatch, at: parameters)
        }
        let dimensions = network.latentDimensions
        encoder.latentGradient.update(repeating: .zero, count: encoder.towers * dimensions)
        let input = LossInput(
            latents: LatentView(encoder.latents, dimensions: dimensions),
            gradient: LatentView(encoder.latentGradient, dimensions: dimensions),
            targets: microbatch.targets, examples: microbatch.examples, dimensions: dimensions)
        return loss(input, parameters, headGradient)
    }

    private func loss(
        _ input: LossInput, _ parameters: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>
    ) -> LossSums {
        switch (network.kind, layout.head, layout.scalingFactor) {
        case (.embeddingClassification, let head?, _):
            crossEntropyLoss(
                input, weights: parameters + head.weight, bias: parameters + head.bias,
                weightGradient: gradient + head.weight, biasGradient: gradient + head.bias)
        case (.siameseBinaryCrossEntropy, let head?, let scaling?):
            binaryCrossEntropyLoss(
                input, weights: parameters + head.weight, bias: parameters + head.bias,
                scaling: parameters + scaling, weightGradient: gradient + head.weight,
                biasGradient: gradient + head.bias, scalingGradient: gradient + scaling)
        case (.triplet, _, _): tripletLoss(input, margin: network.margin)
        case (.siameseContrastive, _, _): contrastiveLoss(input, margin: network.margin)
        case (.onlineContrastive, _, _), (.onlineTriplet, _, _), (.supervisedContrastive, _, _), (.ntXent, _, _):
            preconditionFailure("\(network.kind) has no loss of a microbatch: it takes the whole batch")
        case (.embeddingClassification, nil, _), (.siameseBinaryCrossEntropy, _, _), (.variationalAutoencoder, _, _):
            preconditionFailure("\(network.kind) has a head")
        }
    }
}

/// Embeds images: the encoder alone, forward. One per thread.
package final class Embedder {
    /// Images embedded at once: two vectors of lanes, so that each weight that is read serves twice.
    package static var capacity: Int { 2 * microbatchSize }

    private let encoder: EncoderPass
    package let dimensions: Int

    package init(_ network: NetworkDescription) {
        encoder = EncoderPass(network, layout: ParameterLayout(network), towers: Self.capacity / microbatchSize)
        dimensions = network.latentDimensions
    }

    /// Latent vectors, [image][dimension], of 1…`capacity` images of [image][784] bytes.
    package func embed(
        _ pixels: UnsafePointer<UInt8>, images: Int, at parameters: UnsafePointer<Float>,
        into latents: UnsafeMutablePointer<Float>
    ) {
        precondition((1...Self.capacity).contains(images), "embedding \(images) images at once")
        for tower in 0..<encoder.towers {
            let first = tower * microbatchSize
            encoder.load(
                pixels + first * imagePixels, images: min(microbatchSize, max(0, images - first)), tower: tower)
        }
        encoder.forward(parameters)
        let view = LatentView(encoder.latents, dimensions: dimensions)
        for image in 0..<images {
            for k in 0..<dimensions {
                latents[image * dimensions + k] = view[image / microbatchSize, k, image % microbatchSize]
            }
        }
    }
}
