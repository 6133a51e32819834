// Gradient of a dense layer's weights, and the layout of its input that this wants.

/// Gradient of the weights, summed over towers and lanes: each value is a chain of `fma(gradient, input)` from zero over
/// (lane, tower): the towers of an example next to each other, where most of a Siamese gradient cancels.
///
/// - Parameters:
///   - inputs: those that fill no panel of 16 are left to `denseWeightGradientRest`
///   - gradient: [towers][outputs][lane]
///   - panels: the layer's input as `transposeToPanels` lays it out
///   - weightGradient: written, [outputs][inputs]
package func denseWeightGradient(
    inputs: Int, outputs: Int, towers: Int, gradient: UnsafePointer<Lanes>, panels: UnsafePointer<Lanes>,
    weightGradient: UnsafeMutablePointer<Float>
) {
    let tile = WeightGradientTile(
        inputs: inputs, outputs: outputs, towers: towers, gradient: gradient, panels: panels,
        weightGradient: weightGradient)
    // The compiler unrolls the loop over the towers where it knows how many there are.
    switch towers {
    case 1: tile.all(towers: 1)
    case 2: tile.all(towers: 2)
    case 3: tile.all(towers: 3)
    default: tile.all(towers: towers)
    }
}

/// The columns of the weight gradient that fill no panel: the last inputs % 16 ones. The same chains, one by one.
/// - Parameter x: the layer's input, [towers][inputs][lane]
package func denseWeightGradientRest(
    inputs: Int, outputs: Int, towers: Int, gradient: UnsafePointer<Lanes>, x: UnsafePointer<Lanes>,
    weightGradient: UnsafeMutablePointer<Float>
) {
    let g = UnsafeRawPointer(gradient).assumingMemoryBound(to: Float.self)
    let values = UnsafeRawPointer(x).assumingMemoryBound(to: Float.self)
    for output in 0..<outputs {
        for input in (inputs / panelWidth * panelWidth)..<inputs {
            var sum: Float = 0
            for lane in 0..<laneCount {
                for tower in 0..<towers {
                    let left = g[(tower * outputs + output) * laneCount + lane]
                    sum = sum.addingProduct(left, values[(tower * inputs + input) * laneCount + lane])
                }
            }
            weightGradient[output * inputs + input] = sum
        }
    }
}

/// Inputs of a panel: a register tile is as wide.
private let panelWidth = 16

/// Register tiles of `denseWeightGradient`: one or four outputs × a panel of inputs.
private struct WeightGradientTile {
    let inputs: Int
    let outputs: Int
    let towers: Int
    let gradient: UnsafePointer<Lanes>
    let panels: UnsafePointer<Lanes>
    let weightGradient: UnsafeMutablePointer<Float>

    /// Eight outputs at a time over all panels: the panels are read outputs / 8 times, and what is written is written
    /// in the order of addresses.
    @inline(always)
    func all(towers: Int) {
        let whole = outputs / 4 * 4
        for block in stride(from: 0, to: whole, by: 8) {
            for panel in 0..<(inputs / panelWidth) {
                fourRows(block, panel, towers)
                if block + 4 < whole { fourRows(block + 4, panel, towers) }
            }
        }
        for row in whole..<outputs {
            for panel in 0..<(inputs / panelWidth) { oneRow(row, panel, towers) }
        }
    }

    /// The gradient of output `row`, first tower, lane 0; the lanes follow.
    @inline(always)
    private func scalars(_ row: Int) -> UnsafePointer<Float> {
        UnsafeRawPointer(gradient + row).assumingMemoryBound(to: Float.self)
    }

    @inline(always)
    private func fourRows(_ row: Int, _ panel: Int, _ towers: Int) {
        var (a0, a1, a2, a3) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
        var (b0, b1, b2, b3) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
        var x = panels + panel * 2 * laneCount * towers
        for lane in 0..<laneCount {
            var g = scalars(row) + lane
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
                x += 2
            }
        }
        let out = weightGradient + (row * inputs + panel * panelWidth)
        storePair(a0, b0, out)
        storePair(a1, b1, out + inputs)
        storePair(a2, b2, out + 2 * inputs)
        storePair(a3, b3, out + 3 * inputs)
    }

    @inline(always)
    private func oneRow(_ row: Int, _ panel: Int, _ towers: Int) {
        var (a, b) = (Lanes.zero, Lanes.zero)
        var x = panels + panel * 2 * laneCount * towers
        for lane in 0..<laneCount {
            var g = scalars(row) + lane
            for _ in 0..<towers {
                let weight = splat(g[0])
                (a, b) = (a.addingProduct(weight, x[0]), b.addingProduct(weight, x[1]))
                g += outputs * laneCount
                x += 2
            }
        }
        storePair(a, b, weightGradient + (row * inputs + panel * panelWidth))
    }
}

/// Sixteen floats to an address that need not be aligned.
@inline(always)
private func storePair(_ a: Lanes, _ b: Lanes, _ address: UnsafeMutablePointer<Float>) {
    let raw = UnsafeMutableRawPointer(address)
    raw.storeBytes(of: a, as: Lanes.self)
    raw.storeBytes(of: b, toByteOffset: 32, as: Lanes.self)
}

/// [towers][units][lane] → [units / 16][lane][towers][16]: what a tile of `denseWeightGradient` reads is contiguous. Units that
/// fill no panel are left out.
/// Rows of `units` floats would be, for 1,024 of them, a multiple of 4 kB apart, where a level-1 cache holds only eight.
package func transposeToPanels(
    units: Int, towers: Int, from source: UnsafePointer<Lanes>, to panels: UnsafeMutablePointer<Lanes>
) {
    for tower in 0..<towers {
        for eight in 0..<(units / panelWidth * 2) {
            let rows = source + (tower * units + eight * 8)
            let first = panels + ((eight / 2 * laneCount * towers + tower) * 2 + eight % 2)
            transposeEight(rows, to: first, stride: 2 * towers)
        }
    }
}
