// The verification head of Koch, Zemel & Salakhutdinov, "Siamese neural networks for one-shot image recognition" (2015),
// section 3.1: a weighted L1 distance, a sigmoid, binary cross-entropy (y = 1 for the same class). Koch's per-component
// weights are the learned scaling factor s; the dense layer after it is this project's predecessor's.

/// Binary cross-entropy of sigmoid(w·(|z − z′| ⊙ s) + b), summed, computed from the logit x without overflow:
/// max(x, 0) − x·y + log(1 + e^(−|x|)). Also the gradients of w, b and s.
///
/// - Parameters:
///   - weights: [d], `bias`: [1], `scaling`: [d]
///   - weightGradient, biasGradient, scalingGradient: written; each value a sum over the examples in order
func binaryCrossEntropyLoss(
    _ input: LossInput, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>, scaling: UnsafePointer<Float>,
    weightGradient: UnsafeMutablePointer<Float>, biasGradient: UnsafeMutablePointer<Float>,
    scalingGradient: UnsafeMutablePointer<Float>
) -> LossSums {
    let d = input.dimensions
    weightGradient.update(repeating: 0, count: d)
    scalingGradient.update(repeating: 0, count: d)
    biasGradient[0] = 0
    var sums = LossSums()
    for lane in 0..<input.examples {
        var logit = bias[0]
        for k in 0..<d {
            let distance = abs(input.latents[0, k, lane] - input.latents[1, k, lane])
            logit = logit.addingProduct(weights[k], distance * scaling[k])
        }
        let y: Float = input.targets[lane] == 1 ? 1 : 0
        let decay = exponential(ofNonPositive: -abs(logit))
        sums.add((logit > 0 ? logit : 0) - logit * y + logarithmOfOnePlus(decay))
        let probability = logit > 0 ? 1 / (1 + decay) : decay / (1 + decay)
        let slope = probability - y
        biasGradient[0] += slope
        for k in 0..<d {
            let difference = input.latents[0, k, lane] - input.latents[1, k, lane]
            let distance = abs(difference)
            weightGradient[k] = weightGradient[k].addingProduct(slope, distance * scaling[k])
            scalingGradient[k] = scalingGradient[k].addingProduct(slope * weights[k], distance)
            let sign: Float = difference > 0 ? 1 : difference < 0 ? -1 : 0
            let passed = slope * weights[k] * scaling[k] * sign
            input.gradient[0, k, lane] = passed
            input.gradient[1, k, lane] = -passed
        }
    }
    return sums
}
