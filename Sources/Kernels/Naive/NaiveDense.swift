// Naive twins of the dense and elementwise kernels. For tests only.

/// Twin of `denseForward`.
package func naiveDenseForward(
    inputs: Int, outputs: Int, towers: Int, x: Scalars, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    y: Scalars
) {
    for tower in 0..<towers {
        for output in 0..<outputs {
            for lane in 0..<8 {
                var sum = bias[output]
                for input in 0..<inputs {
                    sum = sum.addingProduct(weights[output * inputs + input], x[(tower * inputs + input) * 8 + lane])
                }
                y[(tower * outputs + output) * 8 + lane] = sum
            }
        }
    }
}

/// Twin of `denseDataGradient`.
package func naiveDenseDataGradient(
    inputs: Int, outputs: Int, towers: Int, gradient: Scalars, weights: UnsafePointer<Float>, inputGradient: Scalars
) {
    for tower in 0..<towers {
        for input in 0..<inputs {
            for lane in 0..<8 {
                var sum: Float = 0
                for output in 0..<outputs {
                    let g = gradient[(tower * outputs + output) * 8 + lane]
                    sum = sum.addingProduct(weights[output * inputs + input], g)
                }
                inputGradient[(tower * inputs + input) * 8 + lane] = sum
            }
        }
    }
}

/// Twin of `denseWeightGradient`, from the input as it is: [towers][inputs][lane].
package func naiveDenseWeightGradient(
    inputs: Int, outputs: Int, towers: Int, gradient: Scalars, x: Scalars, weightGradient: Scalars
) {
    for output in 0..<outputs {
        for input in 0..<inputs {
            var sum: Float = 0
            for lane in 0..<8 {
                for tower in 0..<towers {
                    let g = gradient[(tower * outputs + output) * 8 + lane]
                    sum = sum.addingProduct(g, x[(tower * inputs + input) * 8 + lane])
                }
            }
            weightGradient[output * inputs + input] = sum
        }
    }
}

/// Twin of `biasGradient`.
package func naiveBiasGradient(units: Int, towers: Int, gradient: Scalars, into biasGradient: Scalars) {
    for unit in 0..<units {
        var lanes = Lanes.zero
        for lane in 0..<8 {
            lanes[lane] = gradient[unit * 8 + lane]
            for tower in 1..<max(towers, 1) { lanes[lane] += gradient[(tower * units + unit) * 8 + lane] }
        }
        biasGradient[unit] = naiveHorizontalSum(lanes)
    }
}

/// Twin of `preluBackward`.
package func naivePreluBackward(count: Int, x: Scalars, slope: Float, gradient: Scalars) -> Float {
    var lanes = Lanes.zero
    for i in 0..<(count * 8) {
        let g = gradient[i]
        lanes[i % 8] += x[i] > 0 ? 0 : x[i] * g
        gradient[i] = x[i] > 0 ? g : slope * g
    }
    return naiveHorizontalSum(lanes)
}

/// Twin of `adamUpdate`.
package func naiveAdamUpdate(
    count: Int, _ step: AdamStep, gradientSum: Scalars, parameters: Scalars, firstMoment m: Scalars,
    secondMoment v: Scalars
) {
    for i in 0..<count {
        let g = gradientSum[i] / step.exampleCount
        m[i] = m[i].addingProduct(g - m[i], step.firstMomentRate)
        v[i] = (v[i] * step.secondMomentDecay).addingProduct(step.secondMomentRate * g, g)
        let denominator = v[i].squareRoot() / step.secondMomentCorrection + step.epsilon
        parameters[i] -= step.stepSize * (m[i] / denominator)
    }
}

/// Twin of `cancellingBiasGradient`.
package func naiveCancellingBiasGradient(
    units: Int, towers: Int, gradient: Scalars, x: Scalars, slope: Float, into biasGradient: Scalars
) {
    func derivative(_ at: Int) -> Float { x[at] > 0 ? 1 : slope }
    for unit in 0..<units {
        var lanes = Lanes.zero
        for lane in 0..<8 {
            for tower in 1..<max(towers, 1) {
                let at = (tower * units + unit) * 8 + lane
                lanes[lane] = lanes[lane].addingProduct(derivative(at) - derivative(unit * 8 + lane), gradient[at])
            }
        }
        biasGradient[unit] = naiveHorizontalSum(lanes)
    }
}
