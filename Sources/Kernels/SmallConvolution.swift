// Backward pass of convolutions with small kernels (3×3, 2×2): gradients of the weights and of the input. The forward pass is the same as
// for 5×5. Chains of operations are those that `convolutionWeightGradient` and `convolutionDataGradient` describe.

/// Gradient of the weights; register tile: 4 output channels × the taps of a kernel row.
struct SmallWeightGradient<let kernel: Int> {
    let shape: ConvolutionShape
    let towers: Int
    let gradient: UnsafePointer<Lanes>
    let input: UnsafePointer<Lanes>
    let weightGradient: UnsafeMutablePointer<Float>

    @inline(always)
    init(
        _ shape: ConvolutionShape, _ towers: Int, _ gradient: UnsafePointer<Lanes>, _ input: UnsafePointer<Lanes>,
        _ weightGradient: UnsafeMutablePointer<Float>
    ) {
        self.shape = shape
        self.towers = towers
        self.gradient = gradient
        self.input = input
        self.weightGradient = weightGradient
    }
}

@inline(always)
func smallWeightGradient<let kernel: Int>(_ pass: SmallWeightGradient<kernel>) {
    let whole = pass.shape.outputChannels / 4 * 4
    for channel in stride(from: 0, to: whole, by: 4) { SmallWeightTile<kernel, 4>.all(pass, channel) }
    for channel in whole..<pass.shape.outputChannels { SmallWeightTile<kernel, 1>.all(pass, channel) }
}

private struct SmallWeightTile<let kernel: Int, let channels: Int> {
    @inline(always)
    static func all(_ pass: SmallWeightGradient<kernel>, _ channel: Int) {
        for source in 0..<pass.shape.inputChannels {
            for kernelRow in 0..<kernel { run(pass, channel, source, kernelRow) }
        }
    }

    @inline(always)
    private static func run(_ pass: SmallWeightGradient<kernel>, _ channel: Int, _ source: Int, _ kernelRow: Int) {
        let shape = pass.shape
        let (size, width) = (shape.outputSize, shape.inputSize)
        var sums = InlineArray<channels, InlineArray<kernel, Lanes>>(repeating: InlineArray(repeating: .zero))
        for tower in 0..<pass.towers {
            var g = pass.gradient + (tower * shape.outputCount + channel * size * size)
            var x = pass.input + (tower * shape.inputCount + (source * width + kernelRow) * width)
            for _ in 0..<size {
                for column in 0..<size {
                    for c in 0..<channels {
                        let value = g[c * size * size + column]
                        for k in 0..<kernel { sums[c][k] = sums[c][k].addingProduct(value, x[column + k]) }
                    }
                }
                g += size
                x += width
            }
        }
        for c in 0..<channels {
            let at = ((channel + c) * shape.inputChannels + source) * shape.taps + kernelRow * kernel
            for k in 0..<kernel { pass.weightGradient[at + k] = horizontalSum(sums[c][k]) }
        }
    }
}

/// Gradient of the input, one tower; register tile: 4 input channels × 3 columns, or two columns near opposite edges, which fewer taps reach.
struct SmallDataGradient<let kernel: Int> {
    let shape: ConvolutionShape
    let gradient: UnsafePointer<Lanes>
    let weights: UnsafePointer<Float>
    let inputGradient: UnsafeMutablePointer<Lanes>

    @inline(always)
    init(
        _ shape: ConvolutionShape, _ gradient: UnsafePointer<Lanes>, _ weights: UnsafePointer<Float>,
        _ inputGradient: UnsafeMutablePointer<Lanes>
    ) {
        self.shape = shape
        self.gradient = gradient
        self.weights = weights
        self.inputGradient = inputGradient
    }

    @inline(always)
    func all() {
        let whole = shape.inputChannels / 4 * 4
        for channel in stride(from: 0, to: whole, by: 4) { SmallDataTile<kernel, 4>.all(self, channel) }
        for channel in whole..<shape.inputChannels { SmallDataTile<kernel, 1>.all(self, channel) }
    }
}

private struct SmallDataTile<let kernel: Int, let channels: Int> {
    @inline(always)
    static func all(_ pass: SmallDataGradient<kernel>, _ channel: Int) {
        let (size, edge) = (pass.shape.inputSize, kernel - 1)
        for row in 0..<size {
            let kernelRows = max(0, row - pass.shape.outputSize + 1)...min(edge, row)
            for column in 0..<edge { mirrored(pass, channel, row, column, kernelRows) }
            guard size - 2 * edge >= 3 else {
                for column in edge..<(size - edge) { one(pass, channel, row, column, kernelRows) }
                continue
            }
            // What is left after whole tiles is computed as a tile too, some columns twice.
            for column in stride(from: edge, to: size - edge, by: 3) {
                three(pass, channel, row, min(column, size - edge - 3), kernelRows)
            }
        }
    }

    /// Three columns that all taps reach.
    @inline(always)
    private static func three(
        _ pass: SmallDataGradient<kernel>, _ channel: Int, _ row: Int, _ column: Int, _ kernelRows: ClosedRange<Int>
    ) {
        let shape = pass.shape
        var sums = InlineArray<channels, InlineArray<3, Lanes>>(repeating: InlineArray(repeating: .zero))
        for output in 0..<shape.outputChannels {
            for kernelRow in kernelRows {
                let w = pass.weights + ((output * shape.inputChannels + channel) * shape.taps + kernelRow * kernel)
                var g = pass.gradient + ((output * shape.outputSize + row - kernelRow) * shape.outputSize + column)
                for k in 0..<kernel {
                    for c in 0..<channels {
                        let weight = splat(w[c * shape.taps + k])
                        for j in 0..<3 { sums[c][j] = sums[c][j].addingProduct(weight, g[j]) }
                    }
                    // See `ConvolutionShape.columnStride`: else the compiler runs out of registers.
                    g -= shape.columnStride
                }
            }
        }
        for c in 0..<channels {
            let at = ((channel + c) * shape.inputSize + row) * shape.inputSize + column
            for j in 0..<3 { pass.inputGradient[at + j] = sums[c][j] }
        }
    }

    /// A column near the left edge, which the taps 0...column reach, and the one as near the right edge, which as many reach.
    @inline(always)
    private static func mirrored(
        _ pass: SmallDataGradient<kernel>, _ channel: Int, _ row: Int, _ column: Int, _ kernelRows: ClosedRange<Int>
    ) {
        let shape = pass.shape
        let (other, otherTap) = (shape.inputSize - 1 - column, kernel - 1 - column)
        var sums = InlineArray<channels, Lanes>(repeating: .zero)
        var others = InlineArray<channels, Lanes>(repeating: .zero)
        for output in 0..<shape.outputChannels {
            for kernelRow in kernelRows {
                let w = pass.weights + ((output * shape.inputChannels + channel) * shape.taps + kernelRow * kernel)
                let g = pass.gradient + (output * shape.outputSize + row - kernelRow) * shape.outputSize
                for k in 0...column {
                    let (value, otherValue) = (g[column - k], g[other - otherTap - k])
                    for c in 0..<channels {
                        sums[c] = sums[c].addingProduct(splat(w[c * shape.taps + k]), value)
                        others[c] = others[c].addingProduct(splat(w[c * shape.taps + otherTap + k]), otherValue)
                    }
                }
            }
        }
        for c in 0..<channels {
            let line = pass.inputGradient + ((channel + c) * shape.inputSize + row) * shape.inputSize
            (line[column], line[other]) = (sums[c], others[c])
        }
    }

    /// One column that all taps reach.
    @inline(always)
    private static func one(
        _ pass: SmallDataGradient<kernel>, _ channel: Int, _ row: Int, _ column: Int, _ kernelRows: ClosedRange<Int>
    ) {
        let shape = pass.shape
        var sums = InlineArray<channels, Lanes>(repeating: .zero)
        for output in 0..<shape.outputChannels {
            for kernelRow in kernelRows {
                let w = pass.weights + ((output * shape.inputChannels + channel) * shape.taps + kernelRow * kernel)
                let g = pass.gradient + ((output * shape.outputSize + row - kernelRow) * shape.outputSize + column)
                for k in 0..<kernel {
                    let value = g[-k]
                    for c in 0..<channels { sums[c] = sums[c].addingProduct(splat(w[c * shape.taps + k]), value) }
                }
            }
        }
        for c in 0..<channels {
            pass.inputGradient[((channel + c) * shape.inputSize + row) * shape.inputSize + column] = sums[c]
        }
    }
}
