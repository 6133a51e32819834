// Dense layers: forward, gradient of the input (one matrix product with two strides serves both), gradient of the
// weights. Vectors are [tower][unit][lane].

/// y = W·x + b for every tower: [towers][outputs][lane] from [towers][inputs][lane].
///
/// Each output is the chain `bias, then fma(weight, input)` over the inputs in order.
/// - Parameter weights: [outputs][inputs]
package func denseForward(
    inputs: Int, outputs: Int, towers: Int, x: UnsafePointer<Lanes>, weights: UnsafePointer<Float>,
    bias: UnsafePointer<Float>, y: UnsafeMutablePointer<Lanes>
) {
    Product(rows: outputs, depth: inputs, rowStride: inputs, depthStride: 1, weights: weights, bias: bias, x: x, y: y)
        .run(towers: towers)
}

/// dx = Wᵀ·dy for every tower: [towers][inputs][lane] from [towers][outputs][lane].
///
/// Each value is a chain of `fma(weight, gradient)` from zero over the outputs in order.
package func denseDataGradient(
    inputs: Int, outputs: Int, towers: Int, gradient: UnsafePointer<Lanes>, weights: UnsafePointer<Float>,
    inputGradient: UnsafeMutablePointer<Lanes>
) {
    Product(
        rows: inputs, depth: outputs, rowStride: 1, depthStride: inputs, weights: weights, bias: nil, x: gradient,
        y: inputGradient
    ).run(towers: towers)
}

/// y[tower][row] = bias[row] + Σ over depth of weights[row·rowStride + k·depthStride]·x[tower][k].
private struct Product {
    let rows: Int
    let depth: Int
    let rowStride: Int
    let depthStride: Int
    let weights: UnsafePointer<Float>
    let bias: UnsafePointer<Float>?
    let x: UnsafePointer<Lanes>
    let y: UnsafeMutablePointer<Lanes>

    @inline(always)
    func run(towers: Int) {
        let whole = rows / 4 * 4
        for tower in stride(from: 0, to: towers / 2 * 2, by: 2) {
            for row in stride(from: 0, to: whole, by: 4) { fourRows(row, tower, tower + 1) }
            for row in whole..<rows { oneRow(row, tower, tower + 1) }
        }
        if towers % 2 == 1 {
            let eights = rows / 8 * 8
            for row in stride(from: 0, to: eights, by: 8) { eightRows(row, towers - 1) }
            for row in eights..<rows { oneRow(row, towers - 1, towers - 1) }
        }
    }

    @inline(always)
    private func start(_ row: Int) -> Lanes { bias.map { splat($0[row]) } ?? Lanes.zero }

    @inline(always)
    private func fourRows(_ row: Int, _ t: Int, _ u: Int) {
        var (a0, a1, a2, a3) = (start(row), start(row + 1), start(row + 2), start(row + 3))
        var (b0, b1, b2, b3) = (a0, a1, a2, a3)
        let (p, q) = (x + t * depth, x + u * depth)
        var w = weights + row * rowStride
        for k in 0..<depth {
            let (v, z) = (p[k], q[k])
            let w0 = splat(w[0])
            (a0, b0) = (a0.addingProduct(w0, v), b0.addingProduct(w0, z))
            let w1 = splat(w[rowStride])
            (a1, b1) = (a1.addingProduct(w1, v), b1.addingProduct(w1, z))
            let w2 = splat(w[2 * rowStride])
            (a2, b2) = (a2.addingProduct(w2, v), b2.addingProduct(w2, z))
            let w3 = splat(w[3 * rowStride])
            (a3, b3) = (a3.addingProduct(w3, v), b3.addingProduct(w3, z))
            w += depthStride
        }
        let (first, second) = (y + (t * rows + row), y + (u * rows + row))
        (first[0], first[1], first[2], first[3]) = (a0, a1, a2, a3)
        (second[0], second[1], second[2], second[3]) = (b0, b1, b2, b3)
    }

    @inline(always)
    private func eightRows(_ row: Int, _ tower: Int) {
        var (a0, a1, a2, a3) = (start(row), start(row + 1), start(row + 2), start(row + 3))
        var (a4, a5, a6, a7) = (start(row + 4), start(row + 5), start(row + 6), start(row + 7))
        let p = x + tower * depth
        var w = weights + row * rowStride
        let far = 4 * rowStride
        for k in 0..<depth {
            let v = p[k]
            a0 = a0.addingProduct(splat(w[0]), v)
            a1 = a1.addingProduct(splat(w[rowStride]), v)
            a2 = a2.addingProduct(splat(w[2 * rowStride]), v)
            a3 = a3.addingProduct(splat(w[3 * rowStride]), v)
            a4 = a4.addingProduct(splat(w[far]), v)
            a5 = a5.addingProduct(splat(w[far + rowStride]), v)
            a6 = a6.addingProduct(splat(w[far + 2 * rowStride]), v)
            a7 = a7.addingProduct(splat(w[far + 3 * rowStride]), v)
            w += depthStride
        }
        let out = y + (tower * rows + row)
        (out[0], out[1], out[2], out[3]) = (a0, a1, a2, a3)
        (out[4], out[5], out[6], out[7]) = (a4, a5, a6, a7)
    }

    @inline(always)
    private func oneRow(_ row: Int, _ t: Int, _ u: Int) {
        var a = start(row)
        var b = a
        let (p, q) = (x + t * depth, x + u * depth)
        var w = weights + row * rowStride
        for k in 0..<depth {
            let weight = splat(w[0])
            (a, b) = (a.addingProduct(weight, p[k]), b.addingProduct(weight, q[k]))
            w += depthStride
        }
        y[t * rows + row] = a
        y[u * rows + row] = b
    }
}

/// Gradient of the weights, summed over towers and lanes: each value is a chain of `fma(gradient, input)` from zero over
/// (lane, tower): the towers of an example next to each other, where most of a Siamese gradient cancels.
///
/// - Parameters:
///   - inputs: a multiple of 16
///   - gradient: [towers][outputs][lane]
///   - transposed: the layer's input as `transposeLanes` lays it out, [towers][lane][inputs]
///   - weightGradient: written, [outputs][inputs]
package func denseWeightGradient(
    inputs: Int, outputs: Int, towers: Int, gradient: UnsafePointer<Lanes>, transposed: UnsafePointer<Lanes>,
    weightGradient: UnsafeMutablePointer<Float>
) {
    precondition(inputs % 16 == 0, "the inputs of a dense layer come in sixteens, not \(inputs)")
    let tile = WeightGradientTile(
        inputs: inputs, outputs: outputs, towers: towers, gradient: gradient, transposed: transposed,
        weightGradient: weightGradient)
    let whole = outputs / 4 * 4
    for column in stride(from: 0, to: inputs / 8, by: 2) {
        for row in stride(from: 0, to: whole, by: 4) { tile.fourRows(row, column) }
        for row in whole..<outputs { tile.oneRow(row, column) }
    }
}

/// Register tiles of `denseWeightGradient`: one or four outputs × 16 inputs.
private struct WeightGradientTile {
    let inputs: Int
    let outputs: Int
    let towers: Int
    let gradient: UnsafePointer<Lanes>
    let transposed: UnsafePointer<Lanes>
    let weightGradient: UnsafeMutablePointer<Float>

    /// The gradient of output `row`, first tower, lane 0; the lanes follow.
    @inline(always)
    private func scalars(_ row: Int) -> UnsafePointer<Float> {
        UnsafeRawPointer(gradient + row).assumingMemoryBound(to: Float.self)
    }

    @inline(always)
    func fourRows(_ row: Int, _ column: Int) {
        var (a0, a1, a2, a3) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
        var (b0, b1, b2, b3) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
        for lane in 0..<laneCount {
            var g = scalars(row) + lane
            var x = transposed + (lane * inputs / 8 + column)
            for _ in 0..<towers {
                let (v, z) = (x[0], x[1])
                let g0 = splat(g[0])
                (a0, b0) = (a0.addingProduct(g0, v), b0.addingProduct(g0, z))
                let g1 = splat(g[8])
                (a1, b1) = (a1.addingProduct(g1, v), b1.addingProduct(g1, z))
                let g2 = splat(g[16])
                (a2, b2) = (a2.addingProduct(g2, v), b2.addingProduct(g2, z))
                let g3 = splat(g[24])
                (a3, b3) = (a3.addingProduct(g3, v), b3.addingProduct(g3, z))
                g += outputs * laneCount
                x += inputs
            }
        }
        let out = weightGradient + (row * inputs + column * 8)
        storePair(a0, b0, out)
        storePair(a1, b1, out + inputs)
        storePair(a2, b2, out + 2 * inputs)
        storePair(a3, b3, out + 3 * inputs)
    }

    @inline(always)
    func oneRow(_ row: Int, _ column: Int) {
        var (a, b) = (Lanes.zero, Lanes.zero)
        for lane in 0..<laneCount {
            var g = scalars(row) + lane
            var x = transposed + (lane * inputs / 8 + column)
            for _ in 0..<towers {
                let weight = splat(g[0])
                (a, b) = (a.addingProduct(weight, x[0]), b.addingProduct(weight, x[1]))
                g += outputs * laneCount
                x += inputs
            }
        }
        storePair(a, b, weightGradient + (row * inputs + column * 8))
    }
}

/// Sixteen floats to an address that need not be aligned.
@inline(always)
private func storePair(_ a: Lanes, _ b: Lanes, _ address: UnsafeMutablePointer<Float>) {
    let raw = UnsafeMutableRawPointer(address)
    raw.storeBytes(of: a, as: Lanes.self)
    raw.storeBytes(of: b, toByteOffset: 32, as: Lanes.self)
}

/// [towers][units][lane] → [towers][lane][units].
package func transposeLanes(
    units: Int, towers: Int, from source: UnsafePointer<Lanes>, to destination: UnsafeMutablePointer<Lanes>
) {
    let x = UnsafeRawPointer(source).assumingMemoryBound(to: Float.self)
    let y = UnsafeMutableRawPointer(destination).assumingMemoryBound(to: Float.self)
    for tower in 0..<towers {
        let base = tower * units * laneCount
        for unit in 0..<units {
            for lane in 0..<laneCount { y[base + lane * units + unit] = x[base + unit * laneCount + lane] }
        }
    }
}

/// Gradient of the bias of a dense layer whose PReLU output meets one more linear layer, when the towers' gradients there
/// add up to zero (a loss of differences of latent vectors: every Siamese one).
///
/// With g₀ = −(g₁ + … ) the sum Σ s_t·g_t over the towers, s being PReLU's derivative, is Σ (s_t − s₀)·g_t over the
/// towers from 1: where no sign differs between the towers it is exactly zero, as it is in exact arithmetic. Summed
/// naively it is a rounding error there, which Adam turns into whole steps.
///
/// Per unit a chain of `fma(s_t − s₀, g_t)` from zero over the towers from 1, then `horizontalSum`.
/// - Parameters:
///   - gradient: of PReLU's output, [towers][units][lane]
///   - x: PReLU's input, same shape
package func cancellingBiasGradient(
    units: Int, towers: Int, gradient: UnsafePointer<Lanes>, x: UnsafePointer<Lanes>, slope: Float,
    into biasGradient: UnsafeMutablePointer<Float>
) {
    let (one, slopes) = (splat(1), splat(slope))
    for unit in 0..<units {
        let first = slopes.replacing(with: one, where: x[unit] .> Lanes.zero)
        var sum = Lanes.zero
        for tower in 1..<max(towers, 1) {
            let at = tower * units + unit
            let derivative = slopes.replacing(with: one, where: x[at] .> Lanes.zero)
            sum = sum.addingProduct(derivative - first, gradient[at])
        }
        biasGradient[unit] = horizontalSum(sum)
    }
}

/// Gradient of a bias: per unit, the lanes summed over the towers in order, then `horizontalSum`.
/// - Parameter gradient: [towers][units][lane]
package func biasGradient(
    units: Int, towers: Int, gradient: UnsafePointer<Lanes>, into biasGradient: UnsafeMutablePointer<Float>
) {
    for unit in 0..<units {
        var sum = gradient[unit]
        for tower in 1..<max(towers, 1) { sum += gradient[tower * units + unit] }
        biasGradient[unit] = horizontalSum(sum)
    }
}
