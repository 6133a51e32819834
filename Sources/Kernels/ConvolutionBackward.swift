// Backward pass of a convolution: gradients of its weights and of its input. Both take the gradient of the convolution's
// output as `poolBackward` wrote it.

/// Gradient of the weights, summed over the towers and the eight lanes.
///
/// For each weight the lanes are chains of `fma(gradient, input)` over (tower, row, column) that start at zero, then one
/// `horizontalSum`. Register tile: 2 output channels × 5 taps of a kernel row.
///
/// - Parameters:
///   - gradient: [tower][outputChannels][outputSize][outputSize][lane]
///   - input: [tower][inputChannels][inputSize][inputSize][lane]
///   - weightGradient: written, [outputChannels][inputChannels][5][5]
package func convolutionWeightGradient(
    _ shape: ConvolutionShape, towers: Int, gradient: UnsafePointer<Lanes>, input: UnsafePointer<Lanes>,
    weightGradient: UnsafeMutablePointer<Float>
) {
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

/// Gradient of the input of the second block (12×12 from 8×8), one tower; no work on padding.
///
/// Each value is a chain of `fma(weight, gradient)` from zero over (output channel, kernel row, kernel column), leaving
/// out the taps that fall outside. Register tile: 2 input channels × half a row.
///
/// - Parameters:
///   - gradient: [outputChannels][8][8][lane]
///   - weights: [outputChannels][inputChannels][5][5]
///   - inputGradient: written, [inputChannels][12][12][lane]
package func convolutionDataGradient(
    _ shape: ConvolutionShape, gradient: UnsafePointer<Lanes>, weights: UnsafePointer<Float>,
    inputGradient: UnsafeMutablePointer<Lanes>
) {
    precondition(
        shape.inputSize == 12 && shape.inputChannels % 2 == 0,
        "the data gradient is written for an even number of channels of 12×12")
    for channel in stride(from: 0, to: shape.inputChannels, by: 2) {
        for row in 0..<12 {
            let first = inputGradient + (channel * 12 + row) * 12
            let second = first + 144
            var left = TwoHalfRows()
            var right = TwoHalfRows()
            let kernelRows = max(0, row - 7)...min(4, row)
            for output in 0..<shape.outputChannels {
                for kernelRow in kernelRows {
                    let w = weights + ((output * shape.inputChannels + channel) * 25 + kernelRow * 5)
                    left.addLeft(gradient + (output * 8 + row - kernelRow) * 8, w, w + 25)
                }
            }
            left.store(first, second)
            for output in 0..<shape.outputChannels {
                for kernelRow in kernelRows {
                    let w = weights + ((output * shape.inputChannels + channel) * 25 + kernelRow * 5)
                    right.addRight(gradient + (output * 8 + row - kernelRow) * 8, w, w + 25)
                }
            }
            right.store(first + 6, second + 6)
        }
    }
}

/// Six neighbouring values of a row of the input gradient, in two channels.
private struct TwoHalfRows {
    var a0 = Lanes.zero
    var a1 = Lanes.zero
    var a2 = Lanes.zero
    var a3 = Lanes.zero
    var a4 = Lanes.zero
    var a5 = Lanes.zero
    var b0 = Lanes.zero
    var b1 = Lanes.zero
    var b2 = Lanes.zero
    var b3 = Lanes.zero
    var b4 = Lanes.zero
    var b5 = Lanes.zero

    /// Columns 0…5 of the input: tap k meets gradient column (column − k) ≥ 0.
    @inline(always)
    mutating func addLeft(_ g: UnsafePointer<Lanes>, _ v: UnsafePointer<Float>, _ w: UnsafePointer<Float>) {
        for k in 0..<5 {
            let (p, q) = (splat(v[k]), splat(w[k]))
            if k == 0 { (a0, b0) = (a0.addingProduct(p, g[0]), b0.addingProduct(q, g[0])) }
            if k <= 1 { (a1, b1) = (a1.addingProduct(p, g[1 - k]), b1.addingProduct(q, g[1 - k])) }
            if k <= 2 { (a2, b2) = (a2.addingProduct(p, g[2 - k]), b2.addingProduct(q, g[2 - k])) }
            if k <= 3 { (a3, b3) = (a3.addingProduct(p, g[3 - k]), b3.addingProduct(q, g[3 - k])) }
            (a4, b4) = (a4.addingProduct(p, g[4 - k]), b4.addingProduct(q, g[4 - k]))
            (a5, b5) = (a5.addingProduct(p, g[5 - k]), b5.addingProduct(q, g[5 - k]))
        }
    }

    /// Columns 6…11 of the input: tap k meets gradient column (column − k) ≤ 7.
    @inline(always)
    mutating func addRight(_ g: UnsafePointer<Lanes>, _ v: UnsafePointer<Float>, _ w: UnsafePointer<Float>) {
        for k in 0..<5 {
            let (p, q) = (splat(v[k]), splat(w[k]))
            (a0, b0) = (a0.addingProduct(p, g[6 - k]), b0.addingProduct(q, g[6 - k]))
            (a1, b1) = (a1.addingProduct(p, g[7 - k]), b1.addingProduct(q, g[7 - k]))
            if k >= 1 { (a2, b2) = (a2.addingProduct(p, g[8 - k]), b2.addingProduct(q, g[8 - k])) }
            if k >= 2 { (a3, b3) = (a3.addingProduct(p, g[9 - k]), b3.addingProduct(q, g[9 - k])) }
            if k >= 3 { (a4, b4) = (a4.addingProduct(p, g[10 - k]), b4.addingProduct(q, g[10 - k])) }
            if k == 4 { (a5, b5) = (a5.addingProduct(p, g[11 - k]), b5.addingProduct(q, g[11 - k])) }
        }
    }

    @inline(always)
    func store(_ first: UnsafeMutablePointer<Lanes>, _ second: UnsafeMutablePointer<Lanes>) {
        first[0] = a0
        first[1] = a1
        first[2] = a2
        first[3] = a3
        first[4] = a4
        first[5] = a5
        second[0] = b0
        second[1] = b1
        second[2] = b2
        second[3] = b3
        second[4] = b4
        second[5] = b5
    }
}
