// Triplet loss: Schroff, Kalenichenko & Philbin, "FaceNet" (CVPR 2015), equation 3, with distances instead of squared
// distances and ε inside the norm, as PyTorch's `triplet_margin_loss` has it.

/// max(0, ‖a − p + ε‖₂ − ‖a − n + ε‖₂ + margin) with ε = 1e-6, summed. The gradient of a distance of 0 is 0.
func tripletLoss(_ input: LossInput, margin: Float) -> LossSums {
    let epsilon: Float = 1e-6
    var sums = LossSums()
    let (z, gradient) = (input.latents, input.gradient)

    func distance(to tower: Int, lane: Int) -> Float {
        var square: Float = 0
        for k in 0..<input.dimensions {
            let difference = z[0, k, lane] - z[tower, k, lane] + epsilon
            square = square.addingProduct(difference, difference)
        }
        return square.squareRoot()
    }

    for lane in 0..<input.examples {
        let positive = distance(to: 1, lane: lane)
        let negative = distance(to: 2, lane: lane)
        let loss = positive - negative + margin
        // NaN is no loss of zero: it must reach whoever watches the sum.
        guard !(loss <= 0) else {
            sums.add(0)
            continue
        }
        sums.add(loss)
        for k in 0..<input.dimensions {
            let toPositive = positive > 0 ? (z[0, k, lane] - z[1, k, lane] + epsilon) / positive : 0
            let toNegative = negative > 0 ? (z[0, k, lane] - z[2, k, lane] + epsilon) / negative : 0
            gradient[0, k, lane] = toPositive - toNegative
            gradient[1, k, lane] = -toPositive
            gradient[2, k, lane] = toNegative
        }
    }
    return sums
}
