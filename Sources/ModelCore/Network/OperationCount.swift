// How much arithmetic a network is, from its shapes alone: what a measured time is divided into. Not a measurement.
internal import Kernels

/// Floating-point operations that the encoder, and the decoder if there is one, need for one image; a multiply-add counts as two.
///
/// Counted are the products of convolutions and dense layers, without any work on padding. Not counted: biases, PReLU,
/// pooling, the head and the loss, altogether about a hundredth. What an implementation does beyond the need does not count
/// either, so a rate from these counts is a rate of useful work.
package struct OperationCount: Equatable, Sendable {
    /// Forward pass of each layer: the convolutions, then the dense layers up to the latent one. The gradient of a
    /// layer's weights takes as many again, and so does that of its input.
    package let layers: [Int]

    package init(_ architecture: Architecture, kind: NetworkKind = .siameseContrastive, latentDimensions: Int = 2) {
        // Each value of a convolution's output is a sum over a window of every input channel.
        var layers = architecture.shapes.map { 2 * $0.outputCount * $0.fanIn }
        var (width, widths) = (architecture.flatWidth, architecture.denseWidths + [latentDimensions])
        if kind == .variationalAutoencoder {
            // Mean and variance; then back from one of them to the pixels.
            layers += Self.dense(from: width, through: architecture.denseWidths + [2 * latentDimensions])
            (width, widths) = (latentDimensions, architecture.hidden.reversed() + [imagePixels])
        }
        layers += Self.dense(from: width, through: widths)
        self.layers = layers
    }

    private static func dense(from inputs: Int, through widths: [Int]) -> [Int] {
        zip([inputs] + widths, widths).map { 2 * $0 * $1 }
    }

    /// Embedding an image.
    package var forward: Int { layers.reduce(0, +) }

    /// Training on an image: forward, gradient of the weights, and gradient of the input for every layer but the first,
    /// whose input is the image.
    package var training: Int { 3 * forward - layers[0] }
}
