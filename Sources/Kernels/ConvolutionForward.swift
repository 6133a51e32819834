// Forward pass of one convolution block, fused: convolution, PReLU and pooling of a 2×2 window happen in registers, and
// only the winner of the window is stored. Register tile: 3 output channels × 4 pixels (12 accumulators, AVX2 has 16).

/// What the forward pass of a block leaves behind, for one tower; all of shape [outputChannels][pooled][pooled][lane].
package struct PooledOutputs {
    /// PReLU of the winner of each window: the block's output.
    package let activation: UnsafeMutablePointer<Lanes>
    /// The winner before PReLU.
    package let preactivation: UnsafeMutablePointer<Lanes>
    /// Which of the four values of the window won, in row-major order: 0, 1, 2, 3 (as floats, so that comparing
    /// is one vector instruction). Ties: the first.
    package let winner: UnsafeMutablePointer<Lanes>

    package init(
        activation: UnsafeMutablePointer<Lanes>, preactivation: UnsafeMutablePointer<Lanes>,
        winner: UnsafeMutablePointer<Lanes>
    ) {
        self.activation = activation
        self.preactivation = preactivation
        self.winner = winner
    }
}

/// Convolution + PReLU + max pooling of one tower.
///
/// Each convolution output is the chain `bias, then fma(weight, input)` over (channel, row, column) of the kernel. The
/// winner of a window is the largest value after PReLU, the first in row-major order among equals; for a positive slope
/// that is decided before PReLU, which is the same but where rounding makes two different values equal.
///
/// - Parameters:
///   - input: [inputChannels][inputSize][inputSize][lane]
///   - weights: [outputChannels][inputChannels][kernelSize][kernelSize]
///   - bias: [outputChannels]
package func convolutionForward(
    _ shape: ConvolutionShape, input: UnsafePointer<Lanes>, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    slope: Float, into output: PooledOutputs
) {
    switch shape.kernelSize {
    case 5: forward(ForwardPass<5>(shape, input, weights, bias, slope, output))
    case 3: forward(ForwardPass<3>(shape, input, weights, bias, slope, output))
    default: forward(ForwardPass<2>(shape, input, weights, bias, slope, output))
    }
}

@inline(always)
private func forward<let kernel: Int>(_ pass: ForwardPass<kernel>) {
    if pass.slope[0] > 0 {
        pass.run(monotone: true)
    } else {
        pass.run(monotone: false)
    }
}

/// The four convolution outputs of one pooling window, in row-major order.
private struct Window {
    var a: Lanes
    var b: Lanes
    var c: Lanes
    var d: Lanes

    @inline(always)
    init(bias: Float) {
        a = splat(bias)
        b = a
        c = a
        d = a
    }

    @inline(always)
    mutating func add(_ weight: Float, _ p: UnsafePointer<Lanes>, _ q: UnsafePointer<Lanes>) {
        let w = splat(weight)
        a = a.addingProduct(w, p[0])
        b = b.addingProduct(w, p[1])
        c = c.addingProduct(w, q[0])
        d = d.addingProduct(w, q[1])
    }
}

private struct ForwardPass<let kernel: Int> {
    let shape: ConvolutionShape
    let input: UnsafePointer<Lanes>
    let weights: UnsafePointer<Float>
    let bias: UnsafePointer<Float>
    let slope: Lanes
    let output: PooledOutputs

    @inline(always)
    init(
        _ shape: ConvolutionShape, _ input: UnsafePointer<Lanes>, _ weights: UnsafePointer<Float>,
        _ bias: UnsafePointer<Float>, _ slope: Float, _ output: PooledOutputs
    ) {
        self.shape = shape
        self.input = input
        self.weights = weights
        self.bias = bias
        self.slope = splat(slope)
        self.output = output
    }

    /// Channels in threes, then what is left: one or two.
    @inline(always)
    func run(monotone: Bool) {
        let size = shape.pooledSize
        let whole = shape.outputChannels / 3 * 3
        for channel in stride(from: 0, to: whole, by: 3) {
            for row in 0..<size {
                for column in 0..<size { threeChannels(channel, row, column, monotone) }
            }
        }
        switch shape.outputChannels - whole {
        case 1:
            for row in 0..<size {
                // Of an odd number the last but one is computed twice.
                for column in stride(from: 0, to: size, by: 2) {
                    twoWindows(whole, row, min(column, size - 2), monotone)
                }
            }
        case 2:
            for row in 0..<size {
                for column in 0..<size { twoChannels(whole, row, column, monotone) }
            }
        default: break
        }
    }

    /// Address of the input value at the top left of a window's patch in the first channel.
    @inline(always)
    private func patch(_ row: Int, _ column: Int) -> UnsafePointer<Lanes> {
        input + (2 * row * shape.inputSize + 2 * column)
    }

    /// The columns of a kernel row are a loop of unknown length on purpose: unrolled, the compiler keeps a fourth input in
    /// a register, one more than AVX2 has, and a spilled accumulator halves the speed.
    @inline(always)
    private func threeChannels(_ channel: Int, _ row: Int, _ column: Int, _ monotone: Bool) {
        var first = Window(bias: bias[channel])
        var second = Window(bias: bias[channel + 1])
        var third = Window(bias: bias[channel + 2])
        let stride = shape.fanIn
        let width = shape.kernelWidth
        var w = weights + channel * stride
        var plane = patch(row, column)
        for _ in 0..<shape.inputChannels {
            var p = plane
            for _ in 0..<kernel {
                let q = p + shape.inputSize
                for k in 0..<width {
                    first.add(w[k], p + k, q + k)
                    second.add(w[k + stride], p + k, q + k)
                    third.add(w[k + 2 * stride], p + k, q + k)
                }
                w += kernel
                p = q
            }
            plane += shape.inputSize * shape.inputSize
        }
        store(first, channel, row, column, monotone)
        store(second, channel + 1, row, column, monotone)
        store(third, channel + 2, row, column, monotone)
    }

    @inline(always)
    private func twoChannels(_ channel: Int, _ row: Int, _ column: Int, _ monotone: Bool) {
        var first = Window(bias: bias[channel])
        var second = Window(bias: bias[channel + 1])
        let stride = shape.fanIn
        var w = weights + channel * stride
        var plane = patch(row, column)
        for _ in 0..<shape.inputChannels {
            var p = plane
            for _ in 0..<kernel {
                let q = p + shape.inputSize
                for k in 0..<kernel {
                    first.add(w[k], p + k, q + k)
                    second.add(w[k + stride], p + k, q + k)
                }
                w += kernel
                p = q
            }
            plane += shape.inputSize * shape.inputSize
        }
        store(first, channel, row, column, monotone)
        store(second, channel + 1, row, column, monotone)
    }

    /// One channel, two neighbouring windows.
    @inline(always)
    private func twoWindows(_ channel: Int, _ row: Int, _ column: Int, _ monotone: Bool) {
        var left = Window(bias: bias[channel])
        var right = left
        var w = weights + channel * shape.fanIn
        var plane = patch(row, column)
        for _ in 0..<shape.inputChannels {
            var p = plane
            for _ in 0..<kernel {
                let q = p + shape.inputSize
                for k in 0..<kernel {
                    left.add(w[k], p + k, q + k)
                    right.add(w[k], p + k + 2, q + k + 2)
                }
                w += kernel
                p = q
            }
            plane += shape.inputSize * shape.inputSize
        }
        store(left, channel, row, column, monotone)
        store(right, channel, row, column + 1, monotone)
    }

    @inline(always)
    private func store(_ window: Window, _ channel: Int, _ row: Int, _ column: Int, _ monotone: Bool) {
        let at = (channel * shape.pooledSize + row) * shape.pooledSize + column
        var contest = Contest(window.a, slope: slope, monotone: monotone)
        contest.challenge(window.b, 1, slope: slope, monotone: monotone)
        contest.challenge(window.c, 2, slope: slope, monotone: monotone)
        contest.challenge(window.d, 3, slope: slope, monotone: monotone)
        output.activation[at] = prelu(contest.best, slope: slope)
        output.preactivation[at] = contest.best
        output.winner[at] = contest.winner
    }
}

/// Max pooling, lane by lane: the winner so far.
private struct Contest {
    /// The winner before PReLU.
    var best: Lanes
    /// What is compared: before PReLU where that is monotone, else after it.
    private var score: Lanes
    var winner = Lanes.zero

    @inline(always)
    init(_ value: Lanes, slope: Lanes, monotone: Bool) {
        best = value
        score = monotone ? value : prelu(value, slope: slope)
    }

    @inline(always)
    mutating func challenge(_ value: Lanes, _ index: Float, slope: Lanes, monotone: Bool) {
        let challenger = monotone ? value : prelu(value, slope: slope)
        let better = challenger .> score
        score.replace(with: challenger, where: better)
        best.replace(with: value, where: better)
        winner.replace(with: splat(index), where: better)
    }
}
