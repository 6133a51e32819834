// Backward pass of a convolution: the gradient of its weights, from the gradient of its output as `poolBackward` wrote it.

/// Gradient of the weights, summed over the towers and the eight lanes.
///
/// For each weight the lanes are chains of `fma(gradient, input)` over (tower, row, column) that start at zero, then one
/// `horizontalSum`. Register tile: 2 output channels × 5 taps of a kernel row; smaller kernels are in
/// `SmallConvolution.swift`.
///
/// - Parameters:
///   - gradient: [tower][outputChannels][outputSize][outputSize][lane]
///   - input: [tower][inputChannels][inputSize][inputSize][lane]
///   - weightGradient: written, [outputChannels][inputChannels][kernelSize][kernelSize]
package func convolutionWeightGradient(
    _ shape: ConvolutionShape, towers: Int, gradient: UnsafePointer<Lanes>, input: UnsafePointer<Lanes>,
    weightGradient: UnsafeMutablePointer<Float>
) {
    switch shape.kernelSize {
    case 5: break
    case 3: return smallWeightGradient(SmallWeightGradient<3>(shape, towers, gradient, input, weightGradient))
    default: return smallWeightGradient(SmallWeightGradient<2>(shape, towers, gradient, input, weightGradient))
    }
    precondition(shape.outputChannels % 2 == 0, "output channels come in pairs, not \(shape.outputChannels)")
    let plane = shape.outputSize * shape.outputSize
    for channel in stride(from: 0, to: shape.outputChannels, by: 2) {
        for source in 0..<shape.inputChannels {
            for kernelRow in 0..<5 {
                var sums = TwoKernelRows()
                for tower in 0..<towers {
                    sums.add(
                        gradient + (tower * shape.outputCount + channel * plane),
                        input + (tower * shape.inputCount + (source * shape.inputSize + kernelRow) * shape.inputSize),
                        size: shape.outputSize)
                }
                let at = (channel * shape.inputChannels + source) * 25 + kernelRow * 5
                sums.store(weightGradient + at, weightGradient + (at + shape.fanIn))
            }
        }
    }
}

/// Lane sums of one kernel row (five taps) of two output channels.
private struct TwoKernelRows {
    var a0 = Lanes.zero
    var a1 = Lanes.zero
    var a2 = Lanes.zero
    var a3 = Lanes.zero
    var a4 = Lanes.zero
    var b0 = Lanes.zero
    var b1 = Lanes.zero
    var b2 = Lanes.zero
    var b3 = Lanes.zero
    var b4 = Lanes.zero

    /// Adds one tower: `gradient` are two planes of size × size, `input` a plane of (size + 4) × (size + 4) from the
    /// kernel row on.
    @inline(always)
    mutating func add(_ gradient: UnsafePointer<Lanes>, _ input: UnsafePointer<Lanes>, size: Int) {
        var g = gradient
        var x = input
        for _ in 0..<size {
            let h = g + size * size
            for column in 0..<size {
                let first = g[column]
                let second = h[column]
                let x0 = x[column]
                a0 = a0.addingProduct(first, x0)
                b0 = b0.addingProduct(second, x0)
                let x1 = x[column + 1]
                a1 = a1.addingProduct(first, x1)
                b1 = b1.addingProduct(second, x1)
                let x2 = x[column + 2]
                a2 = a2.addingProduct(first, x2)
                b2 = b2.addingProduct(second, x2)
                let x3 = x[column + 3]
                a3 = a3.addingProduct(first, x3)
                b3 = b3.addingProduct(second, x3)
                let x4 = x[column + 4]
                a4 = a4.addingProduct(first, x4)
                b4 = b4.addingProduct(second, x4)
            }
            g += size
            x += size + 4
        }
    }

    @inline(always)
    func store(_ first: UnsafeMutablePointer<Float>, _ second: UnsafeMutablePointer<Float>) {
        first[0] = horizontalSum(a0)
        first[1] = horizontalSum(a1)
        first[2] = horizontalSum(a2)
        first[3] = horizontalSum(a3)
        first[4] = horizontalSum(a4)
        second[0] = horizontalSum(b0)
        second[1] = horizontalSum(b1)
        second[2] = horizontalSum(b2)
        second[3] = horizontalSum(b3)
        second[4] = horizontalSum(b4)
    }
}
