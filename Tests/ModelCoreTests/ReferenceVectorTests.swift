// The model core against PyTorch in double precision: losses, embeddings, every gradient, three Adam steps. The vectors are made by
// Tests/Fixtures/reference/make_reference.py; SIAMESE_REFERENCE names another folder of the same form.
import Artifacts
import Glibc
import ModelCore
import Testing

/// A reference file, and the network it was computed with.
struct ReferenceCase: CustomTestStringConvertible, Sendable {
    let path: String
    let network: NetworkDescription

    var testDescription: String { path.split(separator: "/").last.map(String.init) ?? path }

    static let folder = getenv("SIAMESE_REFERENCE").map { String(cString: $0) } ?? fixtureFolder("reference")

    static let all: [ReferenceCase] = {
        let names = NetworkKind.ofExamples.map { ($0, Architecture.seed) } + NetworkKind.ofExamples.map { ($0, .wide) }
        return names.compactMap { kind, architecture in
            let path = "\(folder)/\(kind.rawValue)\(architecture == .wide ? "-wide" : "").safetensors"
            let network = NetworkDescription(kind: kind, architecture: architecture)
            return access(path, R_OK) == 0 ? ReferenceCase(path: path, network: network) : nil
        }
    }()
}

func fixtureFolder(_ name: String, file: String = #filePath) -> String {
    "/" + file.split(separator: "/").dropLast(2).joined(separator: "/") + "/Fixtures/" + name
}

/// A reference file's content.
struct Reference {
    let content: Safetensors

    init(_ path: String) throws {
        let stream = try #require(fopen(path, "rb"), "cannot open \(path)")
        defer { fclose(stream) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&buffer, 1, buffer.count, stream), count > 0 { bytes += buffer[..<count] }
        content = try Safetensors(decoding: bytes, file: path)
    }

    func floats(_ name: String) throws -> [Float] { try #require(content[name]?.elements(as: Float.self), "\(name)") }
    func doubles(_ name: String) throws -> [Double] {
        try #require(content[name]?.elements(as: Double.self), "\(name)")
    }
    func bytes(_ name: String) throws -> [UInt8] { try #require(content[name]?.elements(as: UInt8.self), "\(name)") }

    func parameters(_ layout: ParameterLayout, prefix: String) throws -> ParameterBuffer {
        let buffer = ParameterBuffer(count: layout.paddedCount)
        for slice in layout.slices {
            let tensor = try #require(content[prefix + slice.name], "\(prefix + slice.name)")
            #expect(tensor.shape == slice.shape, "\(slice.name)")
            let values = try floats(prefix + slice.name)
            for (index, value) in values.enumerated() { buffer.floats[slice.offset + index] = value }
        }
        return buffer
    }
}

@Suite struct ReferenceVectorTests {
    @Test func theVectorsAreThere() {
        // The others are in SampledReferenceTests.swift.
        let kinds = Set(ReferenceCase.all.map { $0.network.kind })
        #expect(
            kinds == Set(NetworkKind.ofExamples).subtracting([.variationalAutoencoder]), "in \(ReferenceCase.folder)")
    }

    @Test(arguments: ReferenceCase.all) func agreesWithPyTorch(reference: ReferenceCase) throws {
        let file = try Reference(reference.path)
        let (network, layout) = (reference.network, ParameterLayout(reference.network))
        let parameters = try file.parameters(layout, prefix: "initial.")
        let batch = try ReferenceBatch(file, network)
        var adam = Adam(parameterCount: layout.paddedCount)

        for step in 0..<3 {
            guard file.content["loss.\(step)"] != nil else { break }
            let (sums, gradient) = batch.gradientSum(network, at: parameters)
            let expected = try file.doubles("loss.\(step)")[0]
            let loss = sums.loss / Double(sums.examples)
            #expect(abs(loss - expected) <= 1e-5 * abs(expected), "loss of step \(step): \(loss), not \(expected)")
            if step == 0 {
                try checkGradients(gradient, examples: sums.examples, layout, file)
                try checkEmbedding(batch, network, parameters, file)
            }
            adam.update(
                parameters, to: parameters, gradientSum: gradient.floats, exampleCount: sums.examples,
                learningRate: 0.001)
        }
        if file.content["loss.2"] != nil { try checkParameters(parameters, network, layout, file) }
    }

    private func checkGradients(
        _ gradient: ParameterBuffer, examples: Int, _ layout: ParameterLayout, _ file: Reference
    ) throws {
        for slice in layout.slices {
            let expected = try file.floats("gradient." + slice.name)
            let largest = expected.reduce(Float(0)) { max($0, abs($1)) }
            var worst: Float = 0
            for (index, value) in expected.enumerated() {
                worst = max(worst, abs(gradient.floats[slice.offset + index] / Float(examples) - value))
            }
            #expect(worst <= 1e-4 * largest + 1e-7, "gradient of \(slice.name): off by \(worst), largest \(largest)")
        }
    }

    private func checkEmbedding(
        _ batch: ReferenceBatch, _ network: NetworkDescription, _ parameters: ParameterBuffer, _ file: Reference
    ) throws {
        let expected = try file.doubles("embedding.0")
        let latents = batch.embedding(network, at: parameters)
        #expect(latents.count == expected.count)
        for (index, value) in expected.enumerated() {
            #expect(abs(Double(latents[index]) - value) <= 1e-5, "embedding \(index)")
        }
    }

    private func checkParameters(
        _ parameters: ParameterBuffer, _ network: NetworkDescription, _ layout: ParameterLayout, _ file: Reference
    ) throws {
        let last = network.architecture == .seed ? "embedding.encoder.9.bias" : "embedding.encoder.11.bias"
        for slice in layout.slices {
            // The exact gradient of this bias is zero where only differences of latent vectors count, and Adam makes a
            // step of a rounding error.
            if slice.name == last, [.siameseContrastive, .triplet].contains(network.kind) { continue }
            let expected = try file.floats("after3." + slice.name)
            var worst: Float = 0
            for (index, value) in expected.enumerated() {
                worst = max(worst, abs(parameters.floats[slice.offset + index] - value))
            }
            #expect(worst <= 2e-5, "\(slice.name) after three steps: off by \(worst)")
        }
    }
}

/// The batch of a reference file, cut into microbatches.
private struct ReferenceBatch {
    private let pixels: [UInt8]
    private let targets: [Int32]
    private let examples: Int

    init(_ file: Reference, _ network: NetworkDescription) throws {
        var pixels: [UInt8] = []
        for tower in 0..<network.kind.towers { pixels += try file.bytes("input.images.\(tower)") }
        let examples = pixels.count / network.kind.towers / imagePixels
        self.pixels = pixels
        self.examples = examples
        targets = file.content["input.target.0"]?.elements(as: Int32.self) ?? [Int32](repeating: 0, count: examples)
        #expect(examples > 0 && targets.count == examples)
    }

    func gradientSum(_ network: NetworkDescription, at parameters: ParameterBuffer) -> (LossSums, ParameterBuffer) {
        let computer = MicrobatchGradient(network)
        let (sum, one) = (ParameterBuffer(count: parameters.count), ParameterBuffer(count: parameters.count))
        var total = LossSums()
        for first in stride(from: 0, to: examples, by: microbatchSize) {
            let count = min(microbatchSize, examples - first)
            let sums = pixels.withUnsafeBufferPointer { pixels in
                targets.withUnsafeBufferPointer { targets in
                    computer.gradient(
                        of: Microbatch(
                            pixels: pixels.baseAddress! + first * imagePixels, towerStride: examples * imagePixels,
                            targets: targets.baseAddress! + first, examples: count), at: parameters.floats,
                        into: one.floats)
                }
            }
            for i in 0..<sum.count { sum.floats[i] += one.floats[i] }
            total.loss += sums.loss
            total.examples += sums.examples
        }
        return (total, sum)
    }

    func embedding(_ network: NetworkDescription, at parameters: ParameterBuffer) -> [Float] {
        let embedder = Embedder(network)
        var latents = [Float](repeating: 0, count: examples * network.latentDimensions)
        for first in stride(from: 0, to: examples, by: microbatchSize) {
            pixels.withUnsafeBufferPointer { pixels in
                latents.withUnsafeMutableBufferPointer {
                    embedder.embed(
                        pixels.baseAddress! + first * imagePixels, images: min(microbatchSize, examples - first),
                        at: parameters.floats, into: $0.baseAddress! + first * network.latentDimensions)
                }
            }
        }
        return latents
    }
}
