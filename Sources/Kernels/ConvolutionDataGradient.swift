// Backward pass of a convolution: the gradient of its input, from the gradient of its output as `poolBackward` wrote it.

/// Gradient of the input of a block, one tower; no work on padding. Kernels of 5×5 are those of the second block: 12×12 from 8×8;
/// smaller ones, of any size, are in `SmallConvolution.swift`.
///
/// Each value is a chain of `fma(weight, gradient)` from zero over (output channel, kernel row, kernel column), leaving
/// out the taps that fall outside. Register tile: 3 input channels × 4 columns.
///
/// - Parameters:
///   - gradient: [outputChannels][outputSize][outputSize][lane]
///   - weights: [outputChannels][inputChannels][kernelSize][kernelSize]
///   - inputGradient: written, [inputChannels][inputSize][inputSize][lane]
package func convolutionDataGradient(
    _ shape: ConvolutionShape, gradient: UnsafePointer<Lanes>, weights: UnsafePointer<Float>,
    inputGradient: UnsafeMutablePointer<Lanes>
) {
    switch shape.kernelSize {
    case 5: break
    case 3: return SmallDataGradient<3>(shape, gradient, weights, inputGradient).all()
    default: return SmallDataGradient<2>(shape, gradient, weights, inputGradient).all()
    }
    precondition(shape.inputSize == 12, "the data gradient is written for an input of 12×12")
    let pass = DataGradientPass(
        inputChannels: shape.inputChannels, outputChannels: shape.outputChannels, columnStride: shape.columnStride,
        gradient: gradient, weights: weights, inputGradient: inputGradient)
    for channel in stride(from: 0, to: shape.inputChannels, by: 3) {
        for row in 0..<12 {
            pass.tile(channel, row, (4, 5, 6, 7))
            pass.tile(channel, row, (2, 3, 8, 9))
            pass.tile(channel, row, (0, 1, 10, 11))
        }
    }
}

private struct DataGradientPass {
    let inputChannels: Int
    let outputChannels: Int
    /// 1, see `ConvolutionShape`.
    let columnStride: Int
    let gradient: UnsafePointer<Lanes>
    let weights: UnsafePointer<Float>
    let inputGradient: UnsafeMutablePointer<Lanes>

    /// Four columns of a row, in three channels; channels beyond the last repeat the last.
    ///
    /// The columns of a tile meet about equally many taps: a value that meets more than the others is a longer chain of
    /// instructions that wait for each other, with too few others to fill the time.
    @inline(always)
    func tile(_ channel: Int, _ row: Int, _ columns: Columns) {
        let last = inputChannels - 1
        let (second, third) = (min(channel + 1, last), min(channel + 2, last))
        var (a, b, c) = (FourColumns(), FourColumns(), FourColumns())
        let (toSecond, toThird) = ((second - channel) * 25, (third - channel) * 25)
        let kernelRows = max(0, row - 7)...min(4, row)
        for output in 0..<outputChannels {
            for kernelRow in kernelRows {
                let w = weights + ((output * inputChannels + channel) * 25 + kernelRow * 5)
                var g = gradient + (output * 8 + row - kernelRow) * 8
                for k in 0..<(5) {
                    a.add(splat(w[k]), g, k, columns)
                    b.add(splat(w[k + toSecond]), g, k, columns)
                    c.add(splat(w[k + toThird]), g, k, columns)
                    g -= columnStride
                }
            }
        }
        a.store(inputGradient + (channel * 12 + row) * 12, columns)
        b.store(inputGradient + (second * 12 + row) * 12, columns)
        c.store(inputGradient + (third * 12 + row) * 12, columns)
    }
}

private typealias Columns = (Int, Int, Int, Int)

/// Whether the gradient, eight columns wide, has this one.
@inline(always)
private func isInside(_ column: Int) -> Bool { column >= 0 && column < 8 }

private struct FourColumns {
    var a = Lanes.zero
    var b = Lanes.zero
    var c = Lanes.zero
    var d = Lanes.zero

    /// Adds what one tap contributes; `g` is the gradient's row, moved left by the tap. All but the sums is known when
    /// compiled: taps that fall outside cost nothing.
    @inline(always)
    mutating func add(_ weight: Lanes, _ g: UnsafePointer<Lanes>, _ tap: Int, _ columns: Columns) {
        if isInside(columns.0 - tap) { a = a.addingProduct(weight, g[columns.0]) }
        if isInside(columns.1 - tap) { b = b.addingProduct(weight, g[columns.1]) }
        if isInside(columns.2 - tap) { c = c.addingProduct(weight, g[columns.2]) }
        if isInside(columns.3 - tap) { d = d.addingProduct(weight, g[columns.3]) }
    }

    @inline(always)
    func store(_ row: UnsafeMutablePointer<Lanes>, _ columns: Columns) {
        row[columns.0] = a
        row[columns.1] = b
        row[columns.2] = c
        row[columns.3] = d
    }
}
