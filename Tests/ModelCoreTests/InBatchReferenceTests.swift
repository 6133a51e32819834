// The in-batch losses against PyTorch in double precision: every selector and distance on random latent vectors, and the gradient of
// every parameter through both rounds. The vectors are made by Tests/Fixtures/reference/make_in_batch_reference.py.
import Artifacts
import ModelCore
import Testing

/// As in the script.
private let seed: UInt64 = 21
private let margin: Float = 0.4

/// A case by the parts of its name.
private struct LatentCase {
    let network: NetworkDescription
    let set: String

    init?(_ name: String, dimensions: Int, vectors: Int) {
        let parts = name.split(separator: ".", maxSplits: 5).map(String.init)
        guard parts.count >= 5, let kind = NetworkKind(rawValue: parts[1]),
            let distance = LatentDistance(rawValue: parts[3])
        else { return nil }
        set = parts[0]
        network = NetworkDescription(
            kind: kind, latentDimensions: dimensions, margin: margin,
            inBatch: InBatchOptions(
                selector: TupleSelector(rawValue: parts[2]), distance: distance, isNormalized: parts[4] == "unit",
                temperature: parts.count > 5 ? Float(parts[5]) ?? 0 : 0.1),
            noise: NoisePlan(seed: seed, batchSize: vectors / kind.towers))
    }
}

@Suite struct InBatchReferenceTests {
    @Test(arguments: [(24, 2), (24, 5), (40, 2), (40, 5)])
    func everySelectorAgreesWithPyTorch(vectors: Int, dimensions: Int) throws {
        let file = try Reference(fixtureFolder("reference") + "/in-batch.safetensors")
        let set = "n\(vectors)-d\(dimensions)"
        let latents = try file.floats(set + ".latents")
        let labels = try #require(file.content[set + ".labels"]?.elements(as: Int32.self))
        var seen = 0
        for tensor in file.content.tensors where tensor.name.hasPrefix(set + ".") {
            guard let item = LatentCase(tensor.name, dimensions: dimensions, vectors: vectors) else { continue }
            seen += 1
            let batch = try #require(BatchGradient(item.network))
            let own = item.network.kind == .ntXent ? (0..<Int32(vectors)).map { $0 / 2 } : labels
            let sums = batch.evaluate(latents, labels: own, draws: SelectionDraws(item.network, step: 3))
            let expected = try file.floats(tensor.name)
            #expect(abs(sums.loss - Double(expected[0])) <= 1e-5 * Double(expected[0]), "\(tensor.name): \(sums.loss)")
            #expect(batch.health()?.tuples == Int(expected[1]), "\(tensor.name)")
            #expect(sums.active == Int(expected[2]), "\(tensor.name)")
            let divisor = item.network.inBatch.selector == .all ? expected[2] : expected[1]
            #expect(sums.examples == Int(divisor), "\(tensor.name)")
            let gradient = expected[3...]
            let largest = gradient.reduce(0) { max($0, abs($1)) }
            let worst = zip(batch.latentGradient, gradient).reduce(0) { max($0, abs($1.0 - $1.1)) }
            #expect(worst <= 1e-4 * largest + 1e-6, "\(tensor.name): off by \(worst), largest \(largest)")
        }
        #expect(seen == 38)
    }

    @Test(arguments: [NetworkKind.onlineTriplet, .supervisedContrastive])
    func everyParameterAgreesThroughBothRounds(kind: NetworkKind) throws {
        let file = try Reference(fixtureFolder("reference") + "/in-batch-parameters.safetensors")
        let isTriplet = kind == .onlineTriplet
        let network = NetworkDescription(
            kind: kind, margin: margin,
            inBatch: InBatchOptions(
                selector: isTriplet ? .all : nil, distance: isTriplet ? .euclidean : .cosine, isNormalized: !isTriplet))
        let (pixels, labels) = (
            try file.bytes("images"), try #require(file.content["labels"]?.elements(as: Int32.self))
        )
        let parameters = ParameterLayout(network).initialParameters(seed: seed)
        let (sums, gradient) = try twoRounds(network, pixels, labels, parameters)
        let expected = try file.doubles("\(kind.rawValue).sums")
        #expect(abs(sums.loss - expected[0]) <= 1e-5 * expected[0], "\(sums.loss), not \(expected[0])")
        #expect(sums.active == Int(expected[2]))
        for slice in ParameterLayout(network).slices {
            let values = (0..<slice.count).map { Double(gradient[slice.offset + $0]) }
            let sample = try file.floats("\(kind.rawValue).\(slice.name)")
            let step = slice.count <= 512 ? 1 : slice.count / 256 | 1
            let ours = stride(from: 0, to: slice.count, by: step).map { values[$0] }
            try #require(ours.count == sample.count, "\(slice.name)")
            let norm = try file.doubles("\(kind.rawValue).norm.\(slice.name)")[0]
            let largest = sample.reduce(0) { max($0, abs(Double($1))) }
            let worst = zip(ours, sample).reduce(0) { max($0, abs($1.0 - Double($1.1))) }
            // A gradient that is zero but for rounding is compared with the loss instead.
            #expect(worst <= 1e-4 * largest + 1e-6 * expected[0], "\(slice.name): off by \(worst), largest \(largest)")
            let own = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(abs(own - norm) <= 1e-4 * norm + 1e-6 * expected[0], "norm of \(slice.name): \(own), not \(norm)")
        }
    }

    /// Embeds all microbatches, takes the loss of the batch, and goes back through each.
    private func twoRounds(
        _ network: NetworkDescription, _ pixels: [UInt8], _ labels: [Int32], _ parameters: ParameterBuffer
    ) throws -> (LossSums, [Float]) {
        let computer = MicrobatchGradient(network)
        let batch = try #require(BatchGradient(network))
        let d = network.latentDimensions
        var latents = [Float](repeating: 0, count: labels.count * d)
        var sum = [Float](repeating: 0, count: parameters.count)
        let one = ParameterBuffer(count: parameters.count)
        func embed(_ first: Int, _ count: Int, into latents: UnsafeMutablePointer<Float>) {
            pixels.withUnsafeBufferPointer { pixels in
                labels.withUnsafeBufferPointer { labels in
                    computer.embed(
                        Microbatch(
                            pixels: pixels.baseAddress! + first * imagePixels, towerStride: 0,
                            targets: labels.baseAddress! + first, examples: count), at: parameters.floats, into: latents
                    )
                }
            }
        }
        let firsts = stride(from: 0, to: labels.count, by: microbatchSize)
        for first in firsts {
            latents.withUnsafeMutableBufferPointer {
                embed(first, min(microbatchSize, labels.count - first), into: $0.baseAddress! + first * d)
            }
        }
        let sums = batch.evaluate(latents, labels: labels, draws: SelectionDraws(network, step: 1))
        var again = latents
        for first in firsts {
            let count = min(microbatchSize, labels.count - first)
            embed(first, count, into: &again)
            batch.latentGradient.withUnsafeBufferPointer {
                computer.gradient(
                    ofLatents: $0.baseAddress! + first * d, examples: count, at: parameters.floats, into: one.floats)
            }
            for i in sum.indices { sum[i] += one.floats[i] }
        }
        return (sums, sum)
    }
}
