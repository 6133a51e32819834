// The arithmetic of this build on a small fixed step: what a worker proves before it may join (docs/exactness.md, item 7).

/// Gradients, loss and one Adam step of every network on synthetic images. Different bits mean different arithmetic.
///
/// Takes a few milliseconds. The caller hashes the result.
package func selfTestVector() -> [UInt32] {
    var bits: [UInt32] = [numericsVersion, UInt32(microbatchSize)]
    for kind in NetworkKind.allCases {
        let network = NetworkDescription(kind: kind)
        let computer = MicrobatchGradient(network)
        let parameters = computer.layout.initialParameters(seed: 1)
        let gradient = ParameterBuffer(count: computer.layout.paddedCount)
        let examples = 5
        let pixels = syntheticPixels(count: kind.towers * examples * imagePixels)
        let targets: [Int32] = [1, 0, 1, 1, 0]
        let sums = pixels.withUnsafeBufferPointer { pixels in
            targets.withUnsafeBufferPointer { targets in
                guard let pixels = pixels.baseAddress, let targets = targets.baseAddress else { return LossSums() }
                let microbatch = Microbatch(
                    pixels: pixels, towerStride: examples * imagePixels, targets: targets, examples: examples)
                return computer.gradient(of: microbatch, at: parameters.floats, into: gradient.floats)
            }
        }
        var adam = Adam(learningRate: 0.001, parameterCount: gradient.count)
        adam.update(parameters, gradientSum: gradient.floats, exampleCount: examples)
        bits.append(UInt32(truncatingIfNeeded: sums.loss.bitPattern >> 32))
        bits.append(contentsOf: gradient.values.map(\.bitPattern))
        bits.append(contentsOf: parameters.values.map(\.bitPattern))
    }
    return bits
}

/// Images with strokes and gaps from the integer stream, so that every kernel sees zeros and grey values.
private func syntheticPixels(count: Int) -> [UInt8] {
    let stream = RandomStream(seed: 2, name: .latentNoise)
    return (0..<count).map { position in
        let word = stream.bits(at: position / 3, draw: position % 3)
        return word & 3 == 0 ? UInt8(truncatingIfNeeded: word >> 8) : 0
    }
}
