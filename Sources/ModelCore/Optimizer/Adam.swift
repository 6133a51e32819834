// Adam (Kingma & Ba 2015), as PyTorch's `torch.optim.Adam` computes it. One call is one step of the whole network.
internal import Kernels

/// The optimizer: its two moments and the number of steps taken.
package struct Adam: Sendable {
    package static let beta1 = 0.9
    package static let beta2 = 0.999
    package static let epsilon = 1e-8

    package let firstMoment: ParameterBuffer
    package let secondMoment: ParameterBuffer
    /// Steps taken.
    package private(set) var step: UInt64

    package init(parameterCount: Int) {
        self.init(
            firstMoment: ParameterBuffer(count: parameterCount), secondMoment: ParameterBuffer(count: parameterCount),
            step: 0)
    }

    /// An optimizer that goes on from a checkpoint.
    package init(firstMoment: ParameterBuffer, secondMoment: ParameterBuffer, step: UInt64) {
        self.firstMoment = firstMoment
        self.secondMoment = secondMoment
        self.step = step
    }

    /// Takes one step on the mean gradient, from `parameters` to `newParameters` (they may be the same): the one division by the
    /// number of examples happens here.
    ///
    /// - Parameter learningRate: of this step (`LearningRate`)
    /// - Returns: false, after changing nothing, if the gradient is not finite: a step on it would be the end of the weights
    @discardableResult
    package mutating func update(
        _ parameters: ParameterBuffer, to newParameters: ParameterBuffer, gradientSum: UnsafePointer<Float>,
        exampleCount: Int, learningRate: Double
    ) -> Bool {
        precondition(newParameters.count == parameters.count, "\(parameters.count) parameters and a step to other ones")
        guard isFinite(count: parameters.count, gradientSum) else { return false }
        step += 1
        let constants = AdamStep(
            firstMomentRate: Float(1 - Self.beta1), secondMomentDecay: Float(Self.beta2),
            secondMomentRate: Float(1 - Self.beta2), epsilon: Float(Self.epsilon),
            stepSize: Float(learningRate / (1 - power(Self.beta1, step))),
            secondMomentCorrection: Float((1 - power(Self.beta2, step)).squareRoot()),
            exampleCount: Float(exampleCount))
        adamUpdate(
            count: parameters.count, constants, gradientSum: gradientSum, parameters: parameters.floats,
            newParameters: newParameters.floats, firstMoment: firstMoment.floats, secondMoment: secondMoment.floats)
        return true
    }
}

/// baseⁿ by repeated squaring: multiplications only, so the same bits everywhere.
func power(_ base: Double, _ n: UInt64) -> Double {
    var (result, square, rest) = (1.0, base, n)
    while rest > 0 {
        if rest & 1 == 1 { result *= square }
        square *= square
        rest >>= 1
    }
    return result
}
