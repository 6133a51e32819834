// The encoders to choose from, by their widths. Shapes only; parameters are in `ParameterLayout`, arithmetic in `EncoderPass`.
package import Kernels

/// (convolution → PReLU → max pooling 2×2)… → (dense → PReLU)… → dense, on one channel of 28×28.
package enum Architecture: String, CaseIterable, Sendable {
    case seed
    case wide
    /// Koch, Zemel & Salakhutdinov (2015), with kernels and channels halved: docs/networks.md.
    case koch

    /// The convolution blocks, from the image on.
    package var shapes: [ConvolutionShape] {
        let blocks: [(kernel: Int, channels: Int)] =
            switch self {
            case .seed: [(5, 6), (5, 16)]
            case .wide: [(5, 32), (5, 64)]
            case .koch: [(5, 32), (3, 64), (2, 64)]
            }
        var shapes: [ConvolutionShape] = []
        var (channels, size) = (1, 28)
        for block in blocks {
            let shape = ConvolutionShape(
                inputChannels: channels, outputChannels: block.channels, inputSize: size, kernelSize: block.kernel)
            shapes.append(shape)
            (channels, size) = (shape.outputChannels, shape.pooledSize)
        }
        return shapes
    }

    /// Channels of a convolution that covers all that the blocks leave, so that each is one value: arithmetically a dense
    /// layer, but its weights have a convolution's shape.
    package var coveringChannels: Int? { self == .koch ? 128 : nil }

    /// Outputs of the dense layers before the latent one.
    package var hidden: [Int] {
        switch self {
        case .seed: [128]
        case .wide: [256, 256]
        case .koch: [512]
        }
    }

    /// Values that the blocks leave of an image.
    package var flatWidth: Int { shapes.last?.pooledCount ?? imagePixels }

    /// Outputs of everything between the blocks and the latent layer that is arithmetically dense.
    package var denseWidths: [Int] { (coveringChannels.map { [$0] } ?? []) + hidden }
}
