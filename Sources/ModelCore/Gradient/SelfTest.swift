// The arithmetic of this build on a small fixed step: what a worker proves before it may join (docs/exactness.md, item 7).

/// Gradients, loss and one Adam step on synthetic images: every network, all architectures, whole and short microbatches, two
/// and three latent dimensions. Different bits mean different arithmetic.
///
/// Takes some ten milliseconds. The caller hashes the result.
package func selfTestVector() -> [UInt32] {
    var bits: [UInt32] = [numericsVersion, UInt32(microbatchSize)]
    for kind in NetworkKind.allCases {
        bits += selfTestStep(NetworkDescription(kind: kind), examples: 5)
        bits += selfTestStep(NetworkDescription(kind: kind, latentDimensions: 3), examples: microbatchSize)
    }
    bits += selfTestStep(NetworkDescription(kind: .triplet, architecture: .wide), examples: microbatchSize)
    bits += selfTestStep(NetworkDescription(kind: .siameseContrastive, architecture: .koch), examples: microbatchSize)
    return bits
}

private func selfTestStep(_ network: NetworkDescription, examples: Int) -> [UInt32] {
    let computer = MicrobatchGradient(network)
    let parameters = computer.layout.initialParameters(seed: 1)
    let gradient = ParameterBuffer(count: computer.layout.paddedCount)
    let pixels = syntheticPixels(count: network.kind.imagesPerExample * examples * imagePixels)
    let targets = (0..<examples).map { Int32($0 % 2) }
    let sums = pixels.withUnsafeBufferPointer { pixels in
        targets.withUnsafeBufferPointer { targets in
            guard let pixels = pixels.baseAddress, let targets = targets.baseAddress else { return LossSums() }
            let microbatch = Microbatch(
                pixels: pixels, towerStride: examples * imagePixels, targets: targets, examples: examples)
            if network.kind.isInBatch { return inBatchStep(computer, microbatch, parameters, gradient) }
            return computer.gradient(of: microbatch, at: parameters.floats, into: gradient.floats)
        }
    }
    var adam = Adam(parameterCount: gradient.count)
    adam.update(
        parameters, to: parameters, gradientSum: gradient.floats, exampleCount: max(sums.examples, 1),
        learningRate: 0.001)
    let loss = sums.loss.bitPattern &+ sums.secondTerm.bitPattern
    return [UInt32(truncatingIfNeeded: loss), UInt32(truncatingIfNeeded: loss >> 32)]
        + gradient.values.map(\.bitPattern) + parameters.values.map(\.bitPattern)
}

/// Both rounds of a step whose batch is one microbatch.
private func inBatchStep(
    _ computer: MicrobatchGradient, _ microbatch: Microbatch, _ parameters: ParameterBuffer,
    _ gradient: ParameterBuffer
) -> LossSums {
    let network = computer.network
    guard let batch = BatchGradient(network) else { return LossSums() }
    let vectors = microbatch.examples * network.kind.towers
    var latents = [Float](repeating: 0, count: vectors * network.latentDimensions)
    computer.embed(microbatch, at: parameters.floats, into: &latents)
    let labels = (0..<vectors).map { microbatch.targets[$0 / network.kind.towers] }
    let sums = batch.evaluate(latents, labels: labels, draws: SelectionDraws(network, step: 1))
    computer.gradient(
        ofLatents: batch.latentGradient, examples: microbatch.examples, at: parameters.floats, into: gradient.floats)
    return sums
}

/// Images with strokes and gaps from the integer stream, so that every kernel sees zeros and grey values.
private func syntheticPixels(count: Int) -> [UInt8] {
    let stream = RandomStream(seed: 2, name: .latentNoise)
    return (0..<count).map { position in
        let word = stream.bits(at: position / 3, draw: position % 3)
        return word & 3 == 0 ? UInt8(truncatingIfNeeded: word >> 8) : 0
    }
}
