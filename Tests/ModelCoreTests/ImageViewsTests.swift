// The views of NT-Xent: motion that is none, bounds, and that a view is a function of seed, position and number alone.
import Kernels
import ModelCore
import Testing

@Suite struct ImageViewsTests {
    private let batch = SyntheticBatch(.embeddingClassification, examples: 8, seed: 31)

    private func views(_ view: Int, seed: UInt64 = 1, _ positions: ExamplePositions) -> [[UInt8]] {
        let views = ImageViews(NoisePlan(seed: seed, batchSize: 8))
        return batch.pixels.withUnsafeBufferPointer { pixels in
            batch.targets.withUnsafeBufferPointer { targets in
                let microbatch = Microbatch(
                    pixels: pixels.baseAddress!, towerStride: 0, targets: targets.baseAddress!, examples: 8,
                    positions: positions)
                let bytes = views.view(view, of: microbatch)
                return (0..<8).map { image in (0..<imagePixels).map { bytes[image * imagePixels + $0] } }
            }
        }
    }

    /// By the kernel and by its naive twin, which have to agree.
    private func moved(_ image: [UInt8], _ motion: ImageMotion) -> [UInt8] {
        var (target, twin) = ([UInt8](repeating: 7, count: imagePixels), [UInt8](repeating: 7, count: imagePixels))
        var bordered = [Float](repeating: 0, count: borderedCount(side: 28))
        moveImage(image, side: 28, by: motion, bordered: &bordered, into: &target)
        naiveMoveImage(image, side: 28, by: motion, into: &twin)
        #expect(target == twin, "\(motion)")
        return target
    }

    @Test func theKernelAgreesWithItsTwin() {
        let image = Array(batch.pixels[imagePixels..<2 * imagePixels])
        let stream = RandomStream(seed: 17, name: .augmentation)
        for position in 0..<300 {
            func number(_ draw: Int) -> Float { 2 * stream.uniform(at: position, draw: draw) - 1 }
            _ = moved(image, ImageMotion(stream, position: position, view: position % 2))
            _ = moved(
                image,
                ImageMotion(
                    cosine: 2 * number(8), sine: 2 * number(9), shiftX: 40 * number(10), shiftY: 40 * number(11)))
        }
    }

    @Test func noMotionLeavesTheImage() {
        let image = Array(batch.pixels[..<imagePixels])
        #expect(moved(image, .init(cosine: 1, sine: 0, shiftX: 0, shiftY: 0)) == image)
    }

    @Test func aWholeShiftMovesPixelsAndLetsBlackIn() {
        let image = Array(batch.pixels[..<imagePixels])
        let shifted = moved(image, .init(cosine: 1, sine: 0, shiftX: 2, shiftY: -1))
        for y in 0..<28 {
            for x in 0..<28 {
                let expected = x + 2 < 28 && y >= 1 ? image[(y - 1) * 28 + x + 2] : 0
                #expect(shifted[y * 28 + x] == expected, "\(x), \(y)")
            }
        }
        #expect(moved(image, .init(cosine: 1, sine: 0, shiftX: 1e6, shiftY: 0)).allSatisfy { $0 == 0 })
    }

    @Test func aQuarterTurnIsOne() {
        let image = Array(batch.pixels[..<imagePixels])
        let turned = moved(image, .init(cosine: 0, sine: 1, shiftX: 0, shiftY: 0))
        for y in 0..<28 { for x in 0..<28 { #expect(turned[y * 28 + x] == image[x * 28 + 27 - y]) } }
    }

    @Test func motionsStayInTheirBounds() {
        let stream = RandomStream(seed: 5, name: .augmentation)
        for position in 0..<2_000 {
            let motion = ImageMotion(stream, position: position, view: position % 2)
            let scale = (motion.cosine * motion.cosine + motion.sine * motion.sine).squareRoot()
            #expect((1 / 1.1001...1 / 0.8999).contains(scale), "seed 5, position \(position)")
            #expect(abs(motion.sine) <= 0.2589 * scale && motion.cosine > 0, "15 degrees; position \(position)")
            #expect(abs(motion.shiftX) <= 2 && abs(motion.shiftY) <= 2)
        }
    }

    @Test func aViewIsAFunctionOfSeedPositionAndNumber() {
        let first = views(0, .training(first: 8))
        #expect(views(0, .training(first: 8)) == first)
        for other in [
            views(1, .training(first: 8)), views(0, .training(first: 16)), views(0, .validation(first: 8)),
            views(0, seed: 2, .training(first: 8)),
        ] {
            for (a, b) in zip(first, other) { #expect(a != b) }
        }
    }
}
