// How much arithmetic a network is, from its shapes alone: what a measured time is divided into. Not a measurement.

/// Floating-point operations that the encoder needs for one image; a multiply-add counts as two.
///
/// Counted are the products of convolutions and dense layers, without any work on padding. Not counted: biases, PReLU,
/// pooling, the head and the loss, altogether about a hundredth. What an implementation does beyond the need does not count
/// either, so a rate from these counts is a rate of useful work.
package struct OperationCount: Equatable, Sendable {
    /// Forward pass of each layer: the two convolutions, then the dense layers up to the latent one. The gradient of a
    /// layer's weights takes as many again, and so does that of its input.
    package let layers: [Int]

    package init(_ architecture: Architecture, latentDimensions: Int = 2) {
        let (first, second) = architecture.channels
        // Each value of the 24×24 and 8×8 outputs is a sum over a 5×5 window of every input channel.
        var layers = [2 * 24 * 24 * first * 25, 2 * 8 * 8 * second * first * 25]
        var width = second * 16
        for outputs in architecture.hidden + [latentDimensions] {
            layers.append(2 * width * outputs)
            width = outputs
        }
        self.layers = layers
    }

    /// Embedding an image.
    package var forward: Int { layers.reduce(0, +) }

    /// Training on an image: forward, gradient of the weights, and gradient of the input for every layer but the first,
    /// whose input is the image.
    package var training: Int { 3 * forward - layers[0] }
}
