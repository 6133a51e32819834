// The gradient of a microbatch: against finite differences, the tail, empty lanes, and distance zero.
import ModelCore
import Testing

extension NetworkKind {
    /// All but the in-batch family, whose microbatches have no loss of their own.
    static let withLossOfMicrobatch = allCases.filter { !$0.isInBatch }
}

/// A microbatch of synthetic images in memory of its own.
final class SyntheticBatch {
    let examples: Int
    let pixels: [UInt8]
    let targets: [Int32]
    let towerStride: Int

    init(_ kind: NetworkKind, examples: Int, seed: UInt64 = 0, classes: Int32 = 2, identicalTowers: Bool = false) {
        self.examples = examples
        towerStride = examples * imagePixels
        let stream = RandomStream(seed: seed, name: .latentNoise)
        let stride = towerStride
        pixels = (0..<(kind.towers * stride)).map { position in
            let place = identicalTowers ? position % stride : position
            let word = stream.bits(at: place)
            return word & 3 == 0 ? UInt8(truncatingIfNeeded: word >> 8) : 0
        }
        targets = (0..<examples).map { Int32($0) % classes }
    }

    func withMicrobatch<T>(_ range: Range<Int>? = nil, _ body: (Microbatch) -> T) -> T {
        let range = range ?? 0..<examples
        return pixels.withUnsafeBufferPointer { pixels in
            targets.withUnsafeBufferPointer { targets in
                body(
                    Microbatch(
                        pixels: pixels.baseAddress! + range.lowerBound * imagePixels, towerStride: towerStride,
                        targets: targets.baseAddress! + range.lowerBound, examples: range.count,
                        positions: .training(first: range.lowerBound)))
            }
        }
    }
}

private func gradient(
    _ computer: MicrobatchGradient, _ batch: SyntheticBatch, _ range: Range<Int>? = nil, at parameters: ParameterBuffer
) -> (sums: LossSums, values: [Float]) {
    let out = ParameterBuffer(count: computer.layout.paddedCount)
    for i in 0..<out.count { out.floats[i] = .nan }  // every value must be written
    let sums = batch.withMicrobatch(range) { computer.gradient(of: $0, at: parameters.floats, into: out.floats) }
    return (sums, Array(out.values))
}

@Suite struct GradientTests {
    @Test(arguments: NetworkKind.withLossOfMicrobatch, Architecture.allCases)
    func everyParameterIsWrittenAndFinite(kind: NetworkKind, architecture: Architecture) {
        let computer = MicrobatchGradient(NetworkDescription(kind: kind, architecture: architecture))
        let result = gradient(
            computer, SyntheticBatch(kind, examples: 8), at: computer.layout.initialParameters(seed: 0))
        let isFinite = result.values.allSatisfy(\.isFinite)
        #expect(isFinite)
        #expect(result.sums.examples == 8)
        #expect(result.sums.loss > 0)
    }

    /// Central differences along a random direction: dL/dt = g·direction.
    @Test(arguments: NetworkKind.withLossOfMicrobatch, [1, 2, 3])
    func agreesWithFiniteDifferences(kind: NetworkKind, latentDimensions: Int) {
        let computer = MicrobatchGradient(
            NetworkDescription(kind: kind, latentDimensions: latentDimensions, margin: 1.3))
        let batch = SyntheticBatch(kind, examples: 7, seed: 11)
        let parameters = computer.layout.initialParameters(seed: 4)
        let analytic = gradient(computer, batch, at: parameters).values
        let stream = RandomStream(seed: 12, name: .latentNoise)
        for slice in computer.layout.slices {
            let direction = (0..<slice.count).map { Double(stream.uniform(at: slice.offset + $0)) - 0.5 }
            let norm = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
            func loss(_ t: Double) -> Double {
                let moved = ParameterBuffer(count: parameters.count)
                moved.copy(from: parameters)
                for i in 0..<slice.count { moved.floats[slice.offset + i] += Float(t * direction[i] / norm) }
                return batch.withMicrobatch { computer.loss(of: $0, at: moved.floats) }.loss
            }
            let step = 2e-3
            let numeric = (loss(step) - loss(-step)) / (2 * step)
            let expected = (0..<slice.count).reduce(0.0) {
                $0 + Double(analytic[slice.offset + $1]) * direction[$1] / norm
            }
            #expect(abs(numeric - expected) < 0.02 * abs(expected) + 6e-3, "\(slice.name): \(numeric) \(expected)")
        }
    }

    /// A lane's arithmetic is the scalar loop's: an example's loss has the same bits whatever shares its microbatch.
    @Test(arguments: NetworkKind.withLossOfMicrobatch) func lanesDoNotMix(kind: NetworkKind) {
        let computer = MicrobatchGradient(NetworkDescription(kind: kind))
        let batch = SyntheticBatch(kind, examples: 8, seed: 3)
        let parameters = computer.layout.initialParameters(seed: 5)
        let alone = (0..<8).map { gradient(computer, batch, $0..<($0 + 1), at: parameters) }
        for count in 1...8 {
            let together = gradient(computer, batch, 0..<count, at: parameters)
            let loss = alone[0..<count].reduce(0) { $0 + $1.sums.loss }
            #expect(together.sums.loss == loss)
            for i in together.values.indices {
                let sum = alone[0..<count].reduce(Float(0)) { $0 + $1.values[i] }
                let size = alone[0..<count].reduce(Float(0)) { $0 + abs($1.values[i]) }
                #expect(abs(together.values[i] - sum) <= 1e-5 * size + 1e-7)
            }
        }
    }

    @Test func gradientAtDistanceZeroIsZero() {
        for kind in [NetworkKind.siameseContrastive, .siameseBinaryCrossEntropy] {
            let computer = MicrobatchGradient(NetworkDescription(kind: kind))
            let batch = SyntheticBatch(kind, examples: 8, identicalTowers: true)
            let result = gradient(computer, batch, at: computer.layout.initialParameters(seed: 0))
            for slice in computer.layout.slices where slice.name.hasPrefix("embedding.") {
                let values = result.values[slice.offset..<(slice.offset + slice.count)]
                let isZero = values.allSatisfy { $0 == 0 }
                #expect(isZero, "\(kind) \(slice.name)")
            }
        }
    }

    @Test func anImageIsEmbeddedAloneAsAmongOthers() {
        let network = NetworkDescription(kind: .siameseContrastive, latentDimensions: 3)
        let parameters = ParameterLayout(network).initialParameters(seed: 9)
        let batch = SyntheticBatch(.siameseContrastive, examples: Embedder.capacity, seed: 1)
        let embedder = Embedder(network)
        func embed(_ images: Range<Int>) -> [Float] {
            var latents = [Float](repeating: 0, count: images.count * 3)
            batch.pixels.withUnsafeBufferPointer { pixels in
                latents.withUnsafeMutableBufferPointer {
                    embedder.embed(
                        pixels.baseAddress! + images.lowerBound * imagePixels, images: images.count,
                        at: parameters.floats, into: $0.baseAddress!)
                }
            }
            return latents
        }
        let all = embed(0..<Embedder.capacity)
        for image in 0..<Embedder.capacity {
            let alone = embed(image..<(image + 1))
            #expect(alone == Array(all[(image * 3)..<(image * 3 + 3)]))
        }
    }
}
