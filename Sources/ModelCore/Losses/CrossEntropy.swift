// Cross-entropy of a linear classifier on the latent vector: dense d→10, log-softmax, negative log-likelihood.

/// −log softmax(W·z + b)[target], summed; also the gradients of W and b.
///
/// - Parameters:
///   - weights: [10][d], then `bias`: [10]
///   - weightGradient, biasGradient: written, same shapes; each value a sum over the examples in order
func crossEntropyLoss(
    _ input: LossInput, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    weightGradient: UnsafeMutablePointer<Float>, biasGradient: UnsafeMutablePointer<Float>
) -> LossSums {
    let d = input.dimensions
    weightGradient.update(repeating: 0, count: classCount * d)
    biasGradient.update(repeating: 0, count: classCount)
    var sums = LossSums()
    // Logits, then what softmax makes of them: no array, so no allocation.
    var values = InlineArray<10, Float>(repeating: 0)
    for lane in 0..<input.examples {
        let target = Int(input.targets[lane])
        for c in 0..<classCount {
            var sum = bias[c]
            for k in 0..<d { sum = sum.addingProduct(weights[c * d + k], input.latents[0, k, lane]) }
            values[c] = sum
        }
        sums.add(softmax(&values, target: target))
        for c in 0..<classCount {
            let slope = c == target ? values[c] - 1 : values[c]
            biasGradient[c] += slope
            for k in 0..<d {
                let z = input.latents[0, k, lane]
                weightGradient[c * d + k] = weightGradient[c * d + k].addingProduct(slope, z)
                input.gradient[0, k, lane] = input.gradient[0, k, lane].addingProduct(slope, weights[c * d + k])
            }
        }
    }
    return sums
}

/// Turns logits into probabilities and returns −log of the target's, computed from the logits and their maximum.
private func softmax(_ values: inout InlineArray<10, Float>, target: Int) -> Float {
    var largest = values[0]
    for c in 1..<classCount where values[c] > largest { largest = values[c] }
    let logit = values[target] - largest
    var total: Float = 0
    for c in 0..<classCount {
        values[c] = exponential(ofNonPositive: values[c] - largest)
        total += values[c]
    }
    for c in 0..<classCount { values[c] = values[c] / total }
    return logarithm(total) - logit
}
