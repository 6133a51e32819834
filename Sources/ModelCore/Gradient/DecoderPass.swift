// The decoder of a variational autoencoder on one microbatch: from latent vectors forward to the logits of the pixels, and back to the
// parameters and the latent vectors. Owns the memory of its activations; knows nothing of losses.
internal import Kernels

/// Dense layers, all but the last followed by PReLU, over up to eight examples. All activations are [unit][lane].
///
/// Nothing is allocated after `init`. Not thread-safe: one per thread.
final class DecoderPass {
    private let memory = LaneMemory()
    private let layers: UnsafeMutableBufferPointer<DenseStage>
    /// The input, [dimension][lane]; whoever calls `forward` writes it.
    let latents: UnsafeMutablePointer<Lanes>
    /// Its gradient; `backward` writes it.
    let latentGradient: UnsafeMutablePointer<Lanes>
    /// The output, [784][lane].
    let logits: UnsafePointer<Lanes>
    /// Its gradient; whoever calls `backward` writes it.
    let logitGradient: UnsafeMutablePointer<Lanes>

    init(_ network: NetworkDescription, layout: ParameterLayout) {
        precondition(!layout.decoder.isEmpty, "\(network.kind) has no decoder")
        latents = memory.vectors(network.latentDimensions)
        latentGradient = memory.vectors(network.latentDimensions)
        layers = .allocate(capacity: layout.decoder.count)
        var width = network.latentDimensions
        let widths = network.architecture.hidden.reversed() + [imagePixels]
        for (index, outputs) in widths.enumerated() {
            let stage = DenseStage(
                inputs: width, outputs: outputs, towers: 1, offsets: layout.decoder[index], memory)
            layers.initializeElement(at: index, to: stage)
            width = outputs
        }
        let last = layers[layers.count - 1]
        logits = UnsafePointer(last.activation)
        logitGradient = last.gradient
    }

    deinit { layers.deallocate() }

    func forward(_ parameters: UnsafePointer<Float>) {
        var input = latents
        for layer in layers {
            layer.forward(parameters, input: input)
            input = layer.activation
        }
    }

    /// Writes the gradient of every decoder parameter, summed over the lanes, and `latentGradient`.
    func backward(_ parameters: UnsafePointer<Float>, into gradient: UnsafeMutablePointer<Float>) {
        for index in layers.indices.reversed() {
            let below = index > 0 ? layers[index - 1] : nil
            layers[index].backward(
                parameters, input: below?.activation ?? latents, inputGradient: below?.gradient ?? latentGradient,
                bias: .sum, into: gradient)
        }
    }
}

/// Makes images from latent vectors: the decoder alone, forward. One per thread.
package final class ImageDecoder {
    private let pass: DecoderPass
    private let dimensions: Int

    /// The network must be a variational autoencoder.
    package init(_ network: NetworkDescription) {
        pass = DecoderPass(network, layout: ParameterLayout(network))
        dimensions = network.latentDimensions
    }

    /// Images of [image][784] bytes, each byte 255 · sigmoid(logit), rounded, from latent vectors [image][dimension].
    package func images(of latents: [Float], at parameters: UnsafePointer<Float>) -> [UInt8] {
        precondition(latents.count % dimensions == 0, "\(latents.count) numbers in vectors of \(dimensions)")
        let count = latents.count / dimensions
        var pixels = [UInt8](repeating: 0, count: count * imagePixels)
        for first in stride(from: 0, to: count, by: microbatchSize) {
            let images = min(microbatchSize, count - first)
            for k in 0..<dimensions {
                for lane in 0..<images { pass.latents[k][lane] = latents[(first + lane) * dimensions + k] }
            }
            pass.forward(parameters)
            for i in 0..<imagePixels {
                let grey = sigmoid(pass.logits[i]) * 255
                for lane in 0..<images { pixels[(first + lane) * imagePixels + i] = Self.byte(grey[lane]) }
            }
        }
        return pixels
    }

    /// NaN is black: a file may hold any weights.
    private static func byte(_ grey: Float) -> UInt8 { grey > 0 ? UInt8(min(grey, 255).rounded()) : 0 }
}
