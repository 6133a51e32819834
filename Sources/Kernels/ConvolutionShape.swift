// Geometry of one convolution block. Not an allocation and not a kernel.

/// Shape of one block: convolution 5×5 (stride 1, no padding) → PReLU with one slope → max pooling 2×2.
package struct ConvolutionShape: Equatable, Sendable {
    package static let kernelSize = 5
    package static let taps = kernelSize * kernelSize

    package let inputChannels: Int
    package let outputChannels: Int
    /// Rows and columns of the square input: 28 or 12.
    package let inputSize: Int
    /// Always `kernelSize`, but not known to the optimizer: see `ForwardPass.threeChannels`.
    let kernelWidth: Int
    /// Always 1, vectors from a column to the next, but not known to the optimizer, which would else find out that
    /// neighbouring taps read the same values and keep more of them in registers than there are.
    let columnStride: Int

    package init(inputChannels: Int, outputChannels: Int, inputSize: Int) {
        precondition(
            inputChannels > 0 && outputChannels > 0 && inputSize > Self.kernelSize && inputSize % 2 == 0,
            "no such convolution block: \(inputChannels)→\(outputChannels) channels of \(inputSize)×\(inputSize)")
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.inputSize = inputSize
        kernelWidth = Self.kernelSize
        columnStride = 1
    }

    /// Rows and columns after the convolution.
    package var outputSize: Int { inputSize - Self.kernelSize + 1 }
    /// Rows and columns after pooling.
    package var pooledSize: Int { outputSize / 2 }
    /// Values (each a vector of lanes) of one tower's input, convolution output, pooled output.
    package var inputCount: Int { inputChannels * inputSize * inputSize }
    package var outputCount: Int { outputChannels * outputSize * outputSize }
    package var pooledCount: Int { outputChannels * pooledSize * pooledSize }
    package var weightCount: Int { outputChannels * inputChannels * Self.taps }
    package var fanIn: Int { inputChannels * Self.taps }
}
