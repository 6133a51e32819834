// Naive twins of the convolution kernels: the same sums in the same order, as loops over scalars that can be read at a glance.
// For tests only; a fast kernel must agree with its twin to the last bit.

/// Scalars of a tensor of lanes.
package typealias Scalars = UnsafeMutablePointer<Float>

/// Twin of `convolutionForward`.
package func naiveConvolutionForward(
    _ shape: ConvolutionShape, input: Scalars, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>, slope: Float,
    activation: Scalars, preactivation: Scalars, winner: Scalars
) {
    let (n, pooled) = (shape.inputSize, shape.pooledSize)
    func convolution(_ channel: Int, _ row: Int, _ column: Int, _ lane: Int) -> Float {
        var sum = bias[channel]
        for source in 0..<shape.inputChannels {
            for i in 0..<shape.kernelSize {
                for j in 0..<shape.kernelSize {
                    let tap = i * shape.kernelSize + j
                    let weight = weights[(channel * shape.inputChannels + source) * shape.taps + tap]
                    sum = sum.addingProduct(weight, input[((source * n + row + i) * n + column + j) * 8 + lane])
                }
            }
        }
        return sum
    }
    func activate(_ x: Float) -> Float { x > 0 ? x : slope * x }
    for channel in 0..<shape.outputChannels {
        for row in 0..<pooled {
            for column in 0..<pooled {
                for lane in 0..<8 {
                    var best: (value: Float, index: Int)?
                    for index in 0..<4 {
                        let value = convolution(channel, 2 * row + index / 2, 2 * column + index % 2, lane)
                        let isBetter = best.map {
                            slope > 0 ? value > $0.value : activate(value) > activate($0.value)
                        }
                        if isBetter ?? true { best = (value, index) }
                    }
                    guard let best else { continue }
                    let at = ((channel * pooled + row) * pooled + column) * 8 + lane
                    activation[at] = activate(best.value)
                    preactivation[at] = best.value
                    winner[at] = Float(best.index)
                }
            }
        }
    }
}

/// Twin of `poolBackward`, without the bias and slope gradients (they are sums over its result).
package func naivePoolBackward(
    _ shape: ConvolutionShape, gradient: Scalars, preactivation: Scalars, winner: Scalars, slope: Float,
    convolutionGradient: Scalars
) {
    let (pooled, n) = (shape.pooledSize, shape.outputSize)
    for channel in 0..<shape.outputChannels {
        for row in 0..<n {
            for column in 0..<n {
                for lane in 0..<8 {
                    let from = ((channel * pooled + row / 2) * pooled + column / 2) * 8 + lane
                    let isWinner = winner[from] == Float(row % 2 * 2 + column % 2)
                    let passed = preactivation[from] > 0 ? gradient[from] : slope * gradient[from]
                    convolutionGradient[((channel * n + row) * n + column) * 8 + lane] = isWinner ? passed : 0
                }
            }
        }
    }
}

/// Twin of `convolutionWeightGradient`.
package func naiveConvolutionWeightGradient(
    _ shape: ConvolutionShape, towers: Int, gradient: Scalars, input: Scalars, weightGradient: Scalars
) {
    let (n, m, k) = (shape.inputSize, shape.outputSize, shape.kernelSize)
    for channel in 0..<shape.outputChannels {
        for source in 0..<shape.inputChannels {
            for tap in 0..<shape.taps {
                var lanes = Lanes.zero
                for lane in 0..<8 {
                    for tower in 0..<towers {
                        for row in 0..<m {
                            for column in 0..<m {
                                let g = ((tower * shape.outputChannels + channel) * m + row) * m + column
                                let x =
                                    ((tower * shape.inputChannels + source) * n + row + tap / k) * n + column + tap % k
                                lanes[lane] = lanes[lane].addingProduct(gradient[g * 8 + lane], input[x * 8 + lane])
                            }
                        }
                    }
                }
                weightGradient[(channel * shape.inputChannels + source) * shape.taps + tap] = naiveHorizontalSum(lanes)
            }
        }
    }
}

/// Twin of `convolutionDataGradient`.
package func naiveConvolutionDataGradient(
    _ shape: ConvolutionShape, gradient: Scalars, weights: UnsafePointer<Float>, inputGradient: Scalars
) {
    let (n, m, k) = (shape.inputSize, shape.outputSize, shape.kernelSize)
    for source in 0..<shape.inputChannels {
        for row in 0..<n {
            for column in 0..<n {
                for lane in 0..<8 {
                    var sum: Float = 0
                    for channel in 0..<shape.outputChannels {
                        for tap in 0..<shape.taps {
                            let (y, x) = (row - tap / k, column - tap % k)
                            guard (0..<m).contains(y) && (0..<m).contains(x) else { continue }
                            let weight = weights[(channel * shape.inputChannels + source) * shape.taps + tap]
                            sum = sum.addingProduct(weight, gradient[((channel * m + y) * m + x) * 8 + lane])
                        }
                    }
                    inputGradient[((source * n + row) * n + column) * 8 + lane] = sum
                }
            }
        }
    }
}

/// Twin of `horizontalSum`.
package func naiveHorizontalSum(_ v: Lanes) -> Float {
    ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]))
}
