// Random numbers that belong to examples: who draws them does not matter, where they are drawn does. And the normal distribution.
import Glibc
import ModelCore
import Testing

@Suite struct ExampleNoiseTests {
    /// Of a batch that is cut anywhere, or computed as another part of the run.
    private func loss(of images: Range<Int>, at positions: ExamplePositions) -> LossSums {
        let network = NetworkDescription(
            kind: .variationalAutoencoder, noise: NoisePlan(seed: 3, batchSize: 8))
        let computer = MicrobatchGradient(network)
        let parameters = computer.layout.initialParameters(seed: 1)
        let batch = SyntheticBatch(.variationalAutoencoder, examples: 8, seed: 2)
        return batch.pixels.withUnsafeBufferPointer { pixels in
            batch.targets.withUnsafeBufferPointer { targets in
                computer.loss(
                    of: Microbatch(
                        pixels: pixels.baseAddress! + images.lowerBound * imagePixels, towerStride: batch.towerStride,
                        targets: targets.baseAddress!, examples: images.count, positions: positions),
                    at: parameters.floats)
            }
        }
    }

    @Test func theNoiseGoesWithThePosition() {
        let whole = loss(of: 0..<8, at: .training(first: 40)).loss
        let parts = [0..<3, 3..<4, 4..<8].map { loss(of: $0, at: .training(first: 40 + $0.lowerBound)).loss }
        #expect(abs(parts.reduce(0, +) - whole) < 1e-9 * whole)
        #expect(loss(of: 0..<8, at: .training(first: 48)).loss != whole)
        #expect(loss(of: 0..<8, at: .validation(first: 40)).loss != whole)
    }

    @Test func positionsDoNotComeTwice() {
        let plan = NoisePlan(seed: 1, batchSize: 12)
        let positions = (UInt64(1)...4).flatMap { step in (0..<12).map { plan.position(step: step, example: $0) } }
        #expect(positions == Array(0..<48))
        // Whatever a peer claims, nothing overflows.
        _ = plan.position(step: .max, example: .max)
        _ = plan.position(step: 0, example: 0)
    }

    @Test func standardNormalNumbersAreThat() {
        let stream = RandomStream(seed: 9, name: .latentNoise)
        let values = (0..<20_000).map { Double(stream.standardNormal(at: $0 / 4, draw: $0 % 4)) }.sorted()
        let n = Double(values.count)
        let mean = values.reduce(0, +) / n
        let variance = values.reduce(0) { $0 + $1 * $1 } / n
        #expect(abs(mean) < 4 / n.squareRoot())
        #expect(abs(variance - 1) < 4 * (2 / n).squareRoot())
        // Kolmogorov & Smirnov; the bound is passed by chance once in ten thousand seeds.
        let distance = values.enumerated().reduce(0) {
            max($0, abs(cumulativeNormal($1.element) - Double($1.offset) / n))
        }
        #expect(distance < 2.2 / n.squareRoot())
    }

    @Test func theDistributionAgreesWithLibm() {
        for x in stride(from: -6, through: 6, by: 0.01) {
            #expect(abs(cumulativeNormal(x) - erfc(-x / 2.0.squareRoot()) / 2) < 1e-6, "\(x)")
        }
        for p in stride(from: 0.001, to: 1, by: 0.001) {
            #expect(abs(cumulativeNormal(inverseCumulativeNormal(p)) - p) < 1e-6, "\(p)")
        }
        #expect(abs(inverseCumulativeNormal(0.975) - 1.959964) < 1e-4)
    }
}

@Suite struct ImageDecoderTests {
    @Test(arguments: [1, 8, 11]) func anImageIsDecodedAloneAsAmongOthers(count: Int) {
        let network = NetworkDescription(kind: .variationalAutoencoder, latentDimensions: 3)
        let parameters = ParameterLayout(network).initialParameters(seed: 4)
        let decoder = ImageDecoder(network)
        let latents = (0..<count * 3).map { Float($0 % 7) - 3 }
        let all = decoder.images(of: latents, at: parameters.floats)
        #expect(all.count == count * imagePixels)
        for image in 0..<count {
            let alone = decoder.images(of: Array(latents[image * 3..<image * 3 + 3]), at: parameters.floats)
            #expect(alone == Array(all[image * imagePixels..<(image + 1) * imagePixels]))
        }
        for slot in 0..<parameters.count { parameters.floats[slot] = .nan }
        #expect(decoder.images(of: [0, 0, 0], at: parameters.floats).allSatisfy { $0 == 0 })
    }
}
