// Dense layers: forward, and gradient of the input. Vectors are [tower][unit][lane].
//
// Both work through the towers two at a time (three where one would be left over), so that a broadcast weight is used more
// than once: with a single tower, loading the weights takes longer than multiplying by them.

/// y = W·x + b for every tower: [towers][outputs][lane] from [towers][inputs][lane].
///
/// Each output is the chain `bias, then fma(weight, input)` over the inputs in order.
/// - Parameter weights: [outputs][inputs]
package func denseForward(
    inputs: Int, outputs: Int, towers: Int, x: UnsafePointer<Lanes>, weights: UnsafePointer<Float>,
    bias: UnsafePointer<Float>, y: UnsafeMutablePointer<Lanes>
) {
    let layer = ForwardLayer(inputs: inputs, outputs: outputs, x: x, weights: weights, bias: bias, y: y)
    var tower = 0
    while towers - tower == 2 || towers - tower > 3 {
        DotTile<6, 2>.all(layer, tower)
        DotTile<2, 2>.rest(layer, tower, after: 6)
        tower += 2
    }
    if towers - tower == 3 {
        DotTile<4, 3>.all(layer, tower)
        DotTile<2, 3>.rest(layer, tower, after: 4)
    } else if towers - tower == 1 {
        DotTile<8, 1>.all(layer, tower)
        DotTile<2, 1>.rest(layer, tower, after: 8)
    }
}

private struct ForwardLayer {
    let inputs: Int
    let outputs: Int
    let x: UnsafePointer<Lanes>
    let weights: UnsafePointer<Float>
    let bias: UnsafePointer<Float>
    let y: UnsafeMutablePointer<Lanes>
}

/// Register tile of the forward pass: `rows` outputs of `towers` towers, summed over all inputs.
private struct DotTile<let rows: Int, let towers: Int> {
    @inline(always)
    static func all(_ layer: ForwardLayer, _ tower: Int) {
        for row in stride(from: 0, to: layer.outputs / rows * rows, by: rows) { run(layer, row, tower) }
    }

    /// The outputs that are left after whole tiles of `height`.
    @inline(always)
    static func rest(_ layer: ForwardLayer, _ tower: Int, after height: Int) {
        var row = layer.outputs / height * height
        while row + rows <= layer.outputs {
            run(layer, row, tower)
            row += rows
        }
        if row < layer.outputs { DotTile<1, towers>.run(layer, row, tower) }
    }

    @inline(always)
    static func run(_ layer: ForwardLayer, _ row: Int, _ tower: Int) {
        var sums = InlineArray<rows, InlineArray<towers, Lanes>>(repeating: InlineArray(repeating: .zero))
        for r in 0..<rows {
            for t in 0..<towers { sums[r][t] = splat(layer.bias[row + r]) }
        }
        let w = layer.weights + row * layer.inputs
        let x = layer.x + tower * layer.inputs
        for k in 0..<layer.inputs {
            for r in 0..<rows {
                let weight = splat(w[r * layer.inputs + k])
                for t in 0..<towers { sums[r][t] = sums[r][t].addingProduct(weight, x[t * layer.inputs + k]) }
            }
        }
        for r in 0..<rows {
            for t in 0..<towers { layer.y[(tower + t) * layer.outputs + row + r] = sums[r][t] }
        }
    }
}

/// dx = Wᵀ·dy for every tower: [towers][inputs][lane] from [towers][outputs][lane].
///
/// Each value is a chain of `fma(weight, gradient)` from zero over the outputs in order. The chains are carried on in memory,
/// four outputs at a time, so that the weights are read in the order of addresses: columns of a thousand of them would be
/// 4 kB apart from one to the next, where a level-1 cache holds only eight lines.
/// - Parameter weights: [outputs][inputs]
package func denseDataGradient(
    inputs: Int, outputs: Int, towers: Int, gradient: UnsafePointer<Lanes>, weights: UnsafePointer<Float>,
    inputGradient: UnsafeMutablePointer<Lanes>
) {
    let layer = BackwardLayer(
        inputs: inputs, outputs: outputs, gradient: gradient, weights: weights, inputGradient: inputGradient)
    // What is carried on stays in the level-1 cache.
    let block = 256
    for first in stride(from: 0, to: inputs, by: block) {
        let range = first..<min(first + block, inputs)
        var tower = 0
        while towers - tower == 2 || towers - tower > 3 {
            RankUpdate<4, 2>.all(layer, range, tower)
            tower += 2
        }
        if towers - tower == 3 {
            RankUpdate<4, 3>.all(layer, range, tower)
        } else if towers - tower == 1 {
            RankUpdate<4, 1>.all(layer, range, tower)
        }
    }
}

private struct BackwardLayer {
    let inputs: Int
    let outputs: Int
    let gradient: UnsafePointer<Lanes>
    let weights: UnsafePointer<Float>
    let inputGradient: UnsafeMutablePointer<Lanes>
}

/// Adds what `depth` outputs contribute to the gradient of a range of inputs of `towers` towers; the outputs' gradients stay
/// in registers.
private struct RankUpdate<let depth: Int, let towers: Int> {
    @inline(always)
    static func all(_ layer: BackwardLayer, _ range: Range<Int>, _ tower: Int) {
        var output = 0
        while output + depth <= layer.outputs {
            run(layer, range, output, tower)
            output += depth
        }
        while output + 2 <= layer.outputs {
            RankUpdate<2, towers>.run(layer, range, output, tower)
            output += 2
        }
        if output < layer.outputs { RankUpdate<1, towers>.run(layer, range, output, tower) }
    }

    @inline(always)
    private static func run(_ layer: BackwardLayer, _ range: Range<Int>, _ output: Int, _ tower: Int) {
        if output == 0 {
            run(layer, range, 0, tower, fromZero: true)
        } else {
            run(layer, range, output, tower, fromZero: false)
        }
    }

    @inline(always)
    private static func run(
        _ layer: BackwardLayer, _ range: Range<Int>, _ output: Int, _ tower: Int, fromZero: Bool
    ) {
        let g = layer.gradient + (tower * layer.outputs + output)
        let w = layer.weights + output * layer.inputs
        let dx = layer.inputGradient + tower * layer.inputs
        var gradients = InlineArray<depth, InlineArray<towers, Lanes>>(repeating: InlineArray(repeating: .zero))
        for k in 0..<depth {
            for t in 0..<towers { gradients[k][t] = g[t * layer.outputs + k] }
        }
        for i in range {
            var sums = InlineArray<towers, Lanes>(repeating: .zero)
            if !fromZero {
                for t in 0..<towers { sums[t] = dx[t * layer.inputs + i] }
            }
            for k in 0..<depth {
                let weight = splat(w[k * layer.inputs + i])
                for t in 0..<towers { sums[t] = sums[t].addingProduct(weight, gradients[k][t]) }
            }
            for t in 0..<towers { dx[t * layer.inputs + i] = sums[t] }
        }
    }
}
