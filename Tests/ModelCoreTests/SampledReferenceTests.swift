// The bigger networks against PyTorch in double precision: loss, its terms, embeddings, every gradient. The files are small because they hold
// a sample of each gradient and its norm, and neither parameters nor noise: both are computed anew from their definition by
// Tests/Fixtures/reference/make_sampled_reference.py, which makes the files.
import Artifacts
import ModelCore
import Testing

/// A file of sampled reference vectors, and the network it was computed with.
struct SampledReference: CustomTestStringConvertible, Sendable {
    let name: String
    let network: NetworkDescription

    var testDescription: String { name }

    /// As in the script.
    static let seed: UInt64 = 8
    static let batchSize = 12

    init(
        _ name: String, _ kind: NetworkKind, _ architecture: Architecture = .seed, latentDimensions: Int = 2,
        beta: Float = 1
    ) {
        self.name = name
        network = NetworkDescription(
            kind: kind, architecture: architecture, latentDimensions: latentDimensions, beta: beta,
            noise: NoisePlan(seed: Self.seed, batchSize: Self.batchSize))
    }

    static let all = [
        SampledReference("vae-d2", .variationalAutoencoder, beta: 4),
        SampledReference("vae-d3", .variationalAutoencoder, latentDimensions: 3, beta: 0.5),
        SampledReference("siamese-contrastive-koch", .siameseContrastive, .koch),
    ]
}

@Suite struct SampledReferenceTests {
    @Test(arguments: SampledReference.all) func agreesWithPyTorch(reference: SampledReference) throws {
        let file = try Reference("\(fixtureFolder("reference"))/\(reference.name).sampled.safetensors")
        let (network, layout) = (reference.network, ParameterLayout(reference.network))
        let parameters = layout.initialParameters(seed: SampledReference.seed)
        let images = try (0..<network.kind.towers).map { try file.bytes("input.images.\($0)") }
        let targets = try #require(file.content["input.target"]?.elements(as: Int32.self))
        let (sums, gradient) = gradientSum(network, images.flatMap(\.self), targets, at: parameters)
        let count = Double(sums.examples)
        for (name, value) in [("loss", sums.loss), ("second_term", sums.secondTerm)] {
            let expected = try file.doubles(name)[0]
            #expect(abs(value / count - expected) <= 1e-5 * abs(expected), "\(name): \(value / count), not \(expected)")
        }
        for slice in layout.slices { try check(slice, gradient, count, file) }
        try checkEmbedding(network, images[0], parameters, file)
    }

    /// Step 3 of a run, in microbatches.
    private func gradientSum(
        _ network: NetworkDescription, _ pixels: [UInt8], _ targets: [Int32], at parameters: ParameterBuffer
    ) -> (LossSums, ParameterBuffer) {
        let computer = MicrobatchGradient(network)
        let (sum, one) = (ParameterBuffer(count: parameters.count), ParameterBuffer(count: parameters.count))
        var total = LossSums()
        for first in stride(from: 0, to: targets.count, by: microbatchSize) {
            let sums = pixels.withUnsafeBufferPointer { pixels in
                targets.withUnsafeBufferPointer { targets in
                    computer.gradient(
                        of: Microbatch(
                            pixels: pixels.baseAddress! + first * imagePixels, towerStride: targets.count * imagePixels,
                            targets: targets.baseAddress! + first, examples: min(microbatchSize, targets.count - first),
                            positions: .training(first: network.noise.position(step: 3, example: first))),
                        at: parameters.floats, into: one.floats)
                }
            }
            for i in 0..<sum.count { sum.floats[i] += one.floats[i] }
            total.add(sums)
        }
        return (total, sum)
    }

    private func check(
        _ slice: ParameterSlice, _ gradient: ParameterBuffer, _ examples: Double, _ file: Reference
    ) throws {
        let values = (0..<slice.count).map { Double(gradient.floats[slice.offset + $0]) / examples }
        let expected = try file.floats("gradient." + slice.name)
        let step = slice.count <= 512 ? 1 : slice.count / 256 | 1
        let sample = stride(from: 0, to: slice.count, by: step).map { values[$0] }
        try #require(sample.count == expected.count, "\(slice.name)")
        let largest = expected.reduce(0) { max($0, abs(Double($1))) }
        let worst = zip(sample, expected).reduce(0) { max($0, abs($1.0 - Double($1.1))) }
        #expect(worst <= 1e-4 * largest + 1e-7, "gradient of \(slice.name): off by \(worst), largest \(largest)")
        let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let expectedNorm = try file.doubles("norm." + slice.name)[0]
        #expect(abs(norm - expectedNorm) <= 1e-4 * expectedNorm + 1e-7, "norm of \(slice.name)")
    }

    private func checkEmbedding(
        _ network: NetworkDescription, _ pixels: [UInt8], _ parameters: ParameterBuffer, _ file: Reference
    ) throws {
        let expected = try file.doubles("embedding")
        let (embedder, d) = (Embedder(network), network.latentDimensions)
        var latents = [Float](repeating: 0, count: SampledReference.batchSize * d)
        pixels.withUnsafeBufferPointer { pixels in
            latents.withUnsafeMutableBufferPointer {
                embedder.embed(
                    pixels.baseAddress!, images: SampledReference.batchSize, at: parameters.floats,
                    into: $0.baseAddress!)
            }
        }
        try #require(latents.count == expected.count)
        for (index, value) in expected.enumerated() {
            #expect(abs(Double(latents[index]) - value) <= 1e-5, "embedding \(index)")
        }
    }
}
