// Geometry of one convolution block. Not an allocation and not a kernel.

/// Shape of one block: convolution (stride 1, no padding) → PReLU with one slope → max pooling 2×2.
package struct ConvolutionShape: Equatable, Sendable {
    /// Rows and columns of the square kernel: 5, 3 or 2.
    package let kernelSize: Int
    package let inputChannels: Int
    package let outputChannels: Int
    /// Rows and columns of the square input.
    package let inputSize: Int
    /// Always `kernelSize`, but not known to the optimizer: see `ForwardPass.threeChannels`.
    let kernelWidth: Int
    /// Always 1, vectors from a column to the next, but not known to the optimizer, which would else find out that
    /// neighbouring taps read the same values and keep more of them in registers than there are.
    let columnStride: Int

    package init(inputChannels: Int, outputChannels: Int, inputSize: Int, kernelSize: Int = 5) {
        let outputSize = inputSize - kernelSize + 1
        precondition(
            inputChannels > 0 && outputChannels > 0 && [2, 3, 5].contains(kernelSize) && outputSize >= 4
                && outputSize % 2 == 0,
            "no such convolution block: \(inputChannels)→\(outputChannels) channels of \(inputSize)×\(inputSize), "
                + "kernel \(kernelSize)×\(kernelSize)")
        self.kernelSize = kernelSize
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.inputSize = inputSize
        kernelWidth = kernelSize
        columnStride = 1
    }

    /// Rows and columns after the convolution.
    package var outputSize: Int { inputSize - kernelSize + 1 }
    /// Rows and columns after pooling.
    package var pooledSize: Int { outputSize / 2 }
    /// Values (each a vector of lanes) of one tower's input, convolution output, pooled output.
    package var inputCount: Int { inputChannels * inputSize * inputSize }
    package var outputCount: Int { outputChannels * outputSize * outputSize }
    package var pooledCount: Int { outputChannels * pooledSize * pooledSize }
    package var taps: Int { kernelSize * kernelSize }
    package var weightCount: Int { outputChannels * fanIn }
    package var fanIn: Int { inputChannels * taps }
}
