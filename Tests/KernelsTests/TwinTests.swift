// Every fast kernel against its naive twin, bit for bit, over odd and even sizes; the seed is printed on failure.
import Kernels
import Testing

/// Random scalars in aligned memory, from a seed.
final class Tensor {
    let count: Int
    let scalars: UnsafeMutablePointer<Float>
    var lanes: UnsafeMutablePointer<Lanes> { UnsafeMutableRawPointer(scalars).assumingMemoryBound(to: Lanes.self) }
    var bits: [UInt32] { (0..<count).map { scalars[$0].bitPattern } }

    init(_ count: Int, seed: UInt64? = nil) {
        self.count = count
        scalars = UnsafeMutableRawPointer.allocate(byteCount: max(count, 8) * 4, alignment: 64)
            .bindMemory(to: Float.self, capacity: max(count, 8))
        var state = seed ?? 0
        for i in 0..<count {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let value = Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-31
            // A few exact zeros and negative zeros: ties and signs of zero are where twins part.
            scalars[i] = seed == nil ? 0 : state >> 60 == 0 ? 0 : state >> 60 == 1 ? -0.0 : value
        }
    }

    deinit { scalars.deallocate() }
}

private let shapes = [
    ConvolutionShape(inputChannels: 1, outputChannels: 6, inputSize: 28),
    ConvolutionShape(inputChannels: 6, outputChannels: 16, inputSize: 12),
    ConvolutionShape(inputChannels: 2, outputChannels: 8, inputSize: 12),
    ConvolutionShape(inputChannels: 1, outputChannels: 2, inputSize: 28),
    ConvolutionShape(inputChannels: 4, outputChannels: 4, inputSize: 12),
    ConvolutionShape(inputChannels: 7, outputChannels: 2, inputSize: 12),
    ConvolutionShape(inputChannels: 5, outputChannels: 9, inputSize: 12, kernelSize: 3),
    ConvolutionShape(inputChannels: 4, outputChannels: 7, inputSize: 12, kernelSize: 3),
    ConvolutionShape(inputChannels: 1, outputChannels: 4, inputSize: 6, kernelSize: 3),
    ConvolutionShape(inputChannels: 4, outputChannels: 4, inputSize: 5, kernelSize: 2),
    ConvolutionShape(inputChannels: 6, outputChannels: 5, inputSize: 5, kernelSize: 2),
    ConvolutionShape(inputChannels: 3, outputChannels: 1, inputSize: 11, kernelSize: 2),
]

@Suite struct TwinTests {
    @Test(arguments: [Float(0.25), 0, -0.5, 1.5]) func convolutionForwardAgrees(slope: Float) {
        for (index, shape) in shapes.enumerated() {
            let seed = UInt64(index + 1)
            let input = Tensor(shape.inputCount * 8, seed: seed)
            let weights = Tensor(shape.weightCount, seed: seed + 10)
            let bias = Tensor(shape.outputChannels, seed: seed + 20)
            let fast = (0..<3).map { _ in Tensor(shape.pooledCount * 8) }
            let naive = (0..<3).map { _ in Tensor(shape.pooledCount * 8) }
            convolutionForward(
                shape, input: input.lanes, weights: weights.scalars, bias: bias.scalars, slope: slope,
                into: PooledOutputs(
                    activation: fast[0].lanes, preactivation: fast[1].lanes, winner: fast[2].lanes))
            naiveConvolutionForward(
                shape, input: input.scalars, weights: weights.scalars, bias: bias.scalars, slope: slope,
                activation: naive[0].scalars, preactivation: naive[1].scalars, winner: naive[2].scalars)
            for k in 0..<3 { #expect(fast[k].bits == naive[k].bits, "seed \(seed), output \(k)") }
        }
    }

    @Test func convolutionBackwardAgrees() {
        for (index, shape) in shapes.enumerated() {
            let seed = UInt64(index + 100)
            for towers in 1...3 {
                let gradient = Tensor(towers * shape.outputCount * 8, seed: seed)
                let input = Tensor(towers * shape.inputCount * 8, seed: seed + 1)
                let (fast, naive) = (Tensor(shape.weightCount), Tensor(shape.weightCount))
                convolutionWeightGradient(
                    shape, towers: towers, gradient: gradient.lanes, input: input.lanes,
                    weightGradient: fast.scalars)
                naiveConvolutionWeightGradient(
                    shape, towers: towers, gradient: gradient.scalars, input: input.scalars,
                    weightGradient: naive.scalars)
                #expect(fast.bits == naive.bits, "seed \(seed), \(towers) towers")
            }
            guard shape.inputSize == 12 || shape.kernelSize < 5 else { continue }
            let gradient = Tensor(shape.outputCount * 8, seed: seed)
            let weights = Tensor(shape.weightCount, seed: seed + 2)
            let (fast, naive) = (Tensor(shape.inputCount * 8), Tensor(shape.inputCount * 8))
            convolutionDataGradient(
                shape, gradient: gradient.lanes, weights: weights.scalars, inputGradient: fast.lanes)
            naiveConvolutionDataGradient(
                shape, gradient: gradient.scalars, weights: weights.scalars, inputGradient: naive.scalars)
            #expect(fast.bits == naive.bits, "seed \(seed)")
        }
    }

    @Test(arguments: [Float(0.25), -0.5]) func poolBackwardAgrees(slope: Float) {
        for (index, shape) in shapes.enumerated() {
            let seed = UInt64(index + 200)
            let gradient = Tensor(shape.pooledCount * 8, seed: seed)
            let preactivation = Tensor(shape.pooledCount * 8, seed: seed + 1)
            let winner = Tensor(shape.pooledCount * 8)
            for i in 0..<winner.count { winner.scalars[i] = Float((i &* 7919 >> 3) & 3) }
            let (fast, naive) = (Tensor(shape.outputCount * 8), Tensor(shape.outputCount * 8))
            let (bias, slopes) = (Tensor(shape.outputChannels * 8), Tensor(8))
            poolBackward(
                shape, gradient: gradient.lanes,
                outputs: PooledOutputs(
                    activation: Tensor(8).lanes, preactivation: preactivation.lanes, winner: winner.lanes),
                slope: slope, convolutionGradient: fast.lanes, biasGradient: bias.lanes, slopeGradient: slopes.lanes)
            naivePoolBackward(
                shape, gradient: gradient.scalars, preactivation: preactivation.scalars, winner: winner.scalars,
                slope: slope, convolutionGradient: naive.scalars)
            #expect(fast.bits == naive.bits, "seed \(seed)")
            let total = (0..<8).reduce(Float(0)) { $0 + bias.scalars[$1] }
            let expected = (0..<(shape.outputSize * shape.outputSize * 8)).reduce(Float(0)) { $0 + naive.scalars[$1] }
            #expect(abs(total - expected) < 1e-3, "bias gradient of channel 0, seed \(seed)")
        }
    }

    @Test(
        arguments: [
            (16, 1), (16, 3), (32, 4), (256, 130), (128, 2), (48, 9), (528, 7), (1, 1), (2, 128), (3, 5), (23, 9),
        ], 1...5)
    func denseAgrees(size: (inputs: Int, outputs: Int), towers: Int) {
        let (inputs, outputs) = size
        let seed = UInt64(inputs * 1000 + outputs)
        let x = Tensor(towers * inputs * 8, seed: seed)
        let weights = Tensor(inputs * outputs, seed: seed + 1)
        let bias = Tensor(outputs, seed: seed + 2)
        let gradient = Tensor(towers * outputs * 8, seed: seed + 3)

        let (y, z) = (Tensor(towers * outputs * 8), Tensor(towers * outputs * 8))
        denseForward(
            inputs: inputs, outputs: outputs, towers: towers, x: x.lanes, weights: weights.scalars,
            bias: bias.scalars, y: y.lanes)
        naiveDenseForward(
            inputs: inputs, outputs: outputs, towers: towers, x: x.scalars, weights: weights.scalars,
            bias: bias.scalars, y: z.scalars)
        #expect(y.bits == z.bits)

        let (dx, dz) = (Tensor(towers * inputs * 8), Tensor(towers * inputs * 8))
        denseDataGradient(
            inputs: inputs, outputs: outputs, towers: towers, gradient: gradient.lanes, weights: weights.scalars,
            inputGradient: dx.lanes)
        naiveDenseDataGradient(
            inputs: inputs, outputs: outputs, towers: towers, gradient: gradient.scalars, weights: weights.scalars,
            inputGradient: dz.scalars)
        #expect(dx.bits == dz.bits)

        let (dw, dv, panels) = (Tensor(weights.count), Tensor(weights.count), Tensor(x.count))
        transposeToPanels(units: inputs, towers: towers, from: x.lanes, to: panels.lanes)
        denseWeightGradient(
            inputs: inputs, outputs: outputs, towers: towers, gradient: gradient.lanes,
            panels: panels.lanes, weightGradient: dw.scalars)
        denseWeightGradientRest(
            inputs: inputs, outputs: outputs, towers: towers, gradient: gradient.lanes, x: x.lanes,
            weightGradient: dw.scalars)
        naiveDenseWeightGradient(
            inputs: inputs, outputs: outputs, towers: towers, gradient: gradient.scalars, x: x.scalars,
            weightGradient: dv.scalars)
        #expect(dw.bits == dv.bits)

        let (db, dc) = (Tensor(outputs), Tensor(outputs))
        biasGradient(units: outputs, towers: towers, gradient: gradient.lanes, into: db.scalars)
        naiveBiasGradient(units: outputs, towers: towers, gradient: gradient.scalars, into: dc.scalars)
        #expect(db.bits == dc.bits)

        let before = Tensor(gradient.count, seed: seed + 4)
        cancellingBiasGradient(
            units: outputs, towers: towers, gradient: gradient.lanes, x: before.lanes, slope: 0.25, into: db.scalars)
        naiveCancellingBiasGradient(
            units: outputs, towers: towers, gradient: gradient.scalars, x: before.scalars, slope: 0.25,
            into: dc.scalars)
        #expect(db.bits == dc.bits)
    }

    @Test(arguments: [0, 1, 7, 8, 9]) func elementwiseAgrees(count: Int) {
        let x = Tensor(count * 8, seed: 5)
        let (g, h) = (Tensor(count * 8, seed: 6), Tensor(count * 8, seed: 6))
        let fast = preluBackward(count: count, x: x.lanes, slope: -0.3, gradient: g.lanes)
        let naive = naivePreluBackward(count: count, x: x.scalars, slope: -0.3, gradient: h.scalars)
        #expect(fast.bitPattern == naive.bitPattern)
        #expect(g.bits == h.bits)

        for examples: Float in [37, 32, 1] { adamAgrees(count: count * 8, examples: examples) }
    }

    private func adamAgrees(count: Int, examples: Float) {
        let step = AdamStep(
            firstMomentRate: 0.1, secondMomentDecay: 0.999, secondMomentRate: 0.001, epsilon: 1e-8, stepSize: 0.002,
            secondMomentCorrection: 0.5, exampleCount: examples)
        let tensors = (0..<2).map { _ in (0..<4).map { Tensor(count, seed: UInt64($0 + 50)) } }
        for tensor in tensors { for i in 0..<count { tensor[3].scalars[i] = abs(tensor[3].scalars[i]) } }
        let (a, b, new) = (tensors[0], tensors[1], Tensor(count, seed: 60))
        adamUpdate(
            count: count, step, gradientSum: a[0].scalars, parameters: a[1].scalars, newParameters: new.scalars,
            firstMoment: a[2].scalars, secondMoment: a[3].scalars)
        let old = b[1].bits
        naiveAdamUpdate(
            count: count, step, gradientSum: b[0].scalars, parameters: b[1].scalars, firstMoment: b[2].scalars,
            secondMoment: b[3].scalars)
        #expect(a[1].bits == old && new.bits == b[1].bits)
        for k in [0, 2, 3] { #expect(a[k].bits == b[k].bits) }
    }

    @Test(arguments: 0...8) func pixelsAreBytesOver255(images: Int) {
        let pixels = (0..<(images * 10)).map { UInt8(truncatingIfNeeded: $0 * 37) }
        let input = Tensor(80, seed: 9)
        pixels.withUnsafeBufferPointer {
            guard let start = $0.baseAddress else { return }
            loadPixels(count: 10, images: images, from: start, to: input.lanes)
        }
        guard images > 0 else { return }
        for i in 0..<10 {
            for lane in 0..<8 {
                let expected = lane < images ? Float(pixels[lane * 10 + i]) / 255 : 0
                #expect(input.scalars[i * 8 + lane] == expected)
            }
        }
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude])
    func whatIsNotFiniteIsFoundAnywhere(value: Float) {
        for place in 0..<32 {
            let tensor = Tensor(32, seed: 4)
            #expect(isFinite(count: 32, tensor.scalars))
            tensor.scalars[place] = value
            #expect(isFinite(count: 32, tensor.scalars) == value.isFinite)
        }
    }

    @Test func horizontalSumIsTheWrittenTree() {
        let v = Lanes(1e8, 1, -1e8, 3, 0.5, -1e7, 7, 1e7)
        #expect(horizontalSum(v).bitPattern == naiveHorizontalSum(v).bitPattern)
    }
}
