// Contrastive loss: Hadsell, Chopra & LeCun, "Dimensionality reduction by learning an invariant mapping" (CVPR 2006),
// equation 4, with y = 1 for a pair of the same class (the paper has it the other way round).

/// ½·(y·d² + (1 − y)·max(0, margin − d)²) with d = ‖z − z′‖₂, summed. The gradient at d = 0 is 0.
func contrastiveLoss(_ input: LossInput, margin: Float) -> LossSums {
    var sums = LossSums()
    let (z, gradient) = (input.latents, input.gradient)
    for lane in 0..<input.examples {
        var square: Float = 0
        for k in 0..<input.dimensions {
            let difference = z[0, k, lane] - z[1, k, lane]
            square = square.addingProduct(difference, difference)
        }
        let distance = square.squareRoot()
        let isSame = input.targets[lane] == 1
        let gap = isSame || distance > margin ? 0 : margin - distance
        sums.add(isSame ? 0.5 * square : 0.5 * gap * gap)
        // dL/dz = scale·(z − z′)
        let scale: Float = isSame ? 1 : distance > 0 ? -(gap / distance) : 0
        for k in 0..<input.dimensions {
            let slope = scale * (z[0, k, lane] - z[1, k, lane])
            gradient[0, k, lane] = slope
            gradient[1, k, lane] = -slope
        }
    }
    return sums
}
