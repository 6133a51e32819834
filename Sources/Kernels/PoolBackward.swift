// Backward pass of max pooling and PReLU: from the gradient of a block's output to the gradient of the convolution's
// output, which is zero but at each window's winner.

/// What PReLU and pooling contribute to the parameters of a block besides the gradient they pass on.
///
/// - Parameters:
///   - gradient: of the block's output, [outputChannels][pooled][pooled][lane]
///   - outputs: what the forward pass left behind
///   - convolutionGradient: every value is written; [outputChannels][outputSize][outputSize][lane]
///   - biasGradient: added to, one vector of lanes per output channel
///   - slopeGradient: added to, one vector of lanes
package func poolBackward(
    _ shape: ConvolutionShape, gradient: UnsafePointer<Lanes>, outputs: PooledOutputs, slope: Float,
    convolutionGradient: UnsafeMutablePointer<Lanes>, biasGradient: UnsafeMutablePointer<Lanes>,
    slopeGradient: UnsafeMutablePointer<Lanes>
) {
    let size = shape.pooledSize
    let slopes = splat(slope)
    var slopeSum = slopeGradient[0]
    var at = 0
    for channel in 0..<shape.outputChannels {
        var biasSum = biasGradient[channel]
        for row in 0..<size {
            var top = convolutionGradient + (channel * shape.outputSize + 2 * row) * shape.outputSize
            var bottom = top + shape.outputSize
            for _ in 0..<size {
                let x = outputs.preactivation[at]
                let g = gradient[at]
                let positive = x .> Lanes.zero
                slopeSum += (x * g).replacing(with: Lanes.zero, where: positive)
                let passed = (slopes * g).replacing(with: g, where: positive)
                biasSum += passed
                let winner = outputs.winner[at]
                top[0] = Lanes.zero.replacing(with: passed, where: winner .== splat(0))
                top[1] = Lanes.zero.replacing(with: passed, where: winner .== splat(1))
                bottom[0] = Lanes.zero.replacing(with: passed, where: winner .== splat(2))
                bottom[1] = Lanes.zero.replacing(with: passed, where: winner .== splat(3))
                top += 2
                bottom += 2
                at += 1
            }
        }
        biasGradient[channel] = biasSum
    }
    slopeGradient[0] = slopeSum
}
