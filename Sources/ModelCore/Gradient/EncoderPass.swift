// The encoder on one microbatch: all towers forward to the latent vectors and back to the parameters. Owns the memory of the
// activations; knows nothing of losses.
internal import Kernels

/// Forward and backward pass of the encoder over up to eight examples of `towers` images each.
///
/// All activations are [tower][unit][lane]. Nothing is allocated after `init`. Not thread-safe: one per thread.
package final class EncoderPass {
    let towers: Int
    /// The loss sees differences of latent vectors only, so that the towers' latent gradients add up to zero, and with
    /// them some gradients of biases: these are computed so that they really are zero.
    private let towersCancel: Bool
    /// Inputs, [tower][784][lane].
    private let pixels: LaneBuffer
    private let first: ConvolutionStage
    private let second: ConvolutionStage
    private let dense: [DenseStage]
    /// Latent vectors, [tower][dimension][lane].
    let latents: UnsafePointer<Lanes>
    /// Gradient of the latent vectors; the head writes it before `backward`.
    let latentGradient: UnsafeMutablePointer<Lanes>

    package init(_ network: NetworkDescription, layout: ParameterLayout, towers: Int) {
        self.towers = towers
        towersCancel = towers > 1
        let channels = network.architecture.channels
        pixels = LaneBuffer(count: towers * imagePixels)
        first = ConvolutionStage(
            ConvolutionShape(inputChannels: 1, outputChannels: channels.first, inputSize: 28), towers: towers,
            offsets: layout.encoder[0])
        second = ConvolutionStage(
            ConvolutionShape(inputChannels: channels.first, outputChannels: channels.second, inputSize: 12),
            towers: towers, offsets: layout.encoder[1])
        var width = channels.second * 16
        let widths = network.architecture.hidden + [network.latentDimensions]
        dense = zip(widths, layout.encoder.dropFirst(2)).map { outputs, offsets in
            defer { width = outputs }
            return DenseStage(inputs: width, outputs: outputs, towers: towers, offsets: offsets)
        }
        let last = dense[dense.count - 1]
        latents = UnsafePointer(last.preactivation.start)
        latentGradient = last.gradient.start
    }

    /// Puts one tower's images, [image][784] bytes, into the lanes; lanes from `images` on are zero.
    func load(_ bytes: UnsafePointer<UInt8>, images: Int, tower: Int) {
        loadPixels(count: imagePixels, images: images, from: bytes, to: pixels.start + tower * imagePixels)
    }

    func forward(_ parameters: UnsafePointer<Float>) {
        first.forward(parameters, input: pixels.start)
        second.forward(parameters, input: first.activation.start)
        var input = second.activation.start
        for stage in dense {
            stage.forward(parameters, input: input)
            input = stage.activation.start
        }
    }

    /// Writes the gradient of every encoder parameter, summed over towers and lanes.
    func backward(_ parameters: UnsafePointer<Float>, into gradient: UnsafeMutablePointer<Float>) {
        let last = dense.count - 1
        for index in dense.indices.reversed() {
            let below = index > 0 ? dense[index - 1].activation : second.activation
            let belowGradient = index > 0 ? dense[index - 1].gradient : second.pooledGradient
            let bias: DenseStage.BiasGradient =
                !towersCancel || index < last - 1 ? .sum : index == last ? .zero : .cancelling
            dense[index].backward(
                parameters, input: below, inputGradient: belowGradient, bias: bias, into: gradient)
        }
        second.backward(
            parameters, input: first.activation.start, inputGradient: first.pooledGradient, into: gradient)
        first.backward(parameters, input: pixels.start, inputGradient: nil, into: gradient)
    }
}

/// Vectors of lanes, zero at first, aligned to 64 bytes.
final class LaneBuffer {
    let count: Int
    let start: UnsafeMutablePointer<Lanes>

    init(count: Int) {
        self.count = count
        start = UnsafeMutableRawPointer.allocate(byteCount: count * MemoryLayout<Lanes>.stride, alignment: 64)
            .bindMemory(to: Lanes.self, capacity: count)
        start.initialize(repeating: .zero, count: count)
    }

    deinit { start.deallocate() }
}

/// One convolution block of the encoder: its kernels bound to its memory and its parameters.
private final class ConvolutionStage {
    private let shape: ConvolutionShape
    private let towers: Int
    private let offsets: LayerOffsets
    private let slope: Int
    let activation: LaneBuffer
    /// Gradient of `activation`; the stage above writes it.
    let pooledGradient: LaneBuffer
    private let preactivation: LaneBuffer
    private let winner: LaneBuffer
    private let convolutionGradient: LaneBuffer
    private let biasSums: LaneBuffer

    init(_ shape: ConvolutionShape, towers: Int, offsets: LayerOffsets) {
        guard let slope = offsets.slope else { preconditionFailure("a PReLU follows every convolution") }
        self.slope = slope
        self.shape = shape
        self.towers = towers
        self.offsets = offsets
        activation = LaneBuffer(count: towers * shape.pooledCount)
        pooledGradient = LaneBuffer(count: towers * shape.pooledCount)
        preactivation = LaneBuffer(count: towers * shape.pooledCount)
        winner = LaneBuffer(count: towers * shape.pooledCount)
        convolutionGradient = LaneBuffer(count: towers * shape.outputCount)
        biasSums = LaneBuffer(count: shape.outputChannels + 1)
    }

    func forward(_ parameters: UnsafePointer<Float>, input: UnsafePointer<Lanes>) {
        for tower in 0..<towers {
            convolutionForward(
                shape, input: input + tower * shape.inputCount, weights: parameters + offsets.weight,
                bias: parameters + offsets.bias, slope: parameters[slope], into: outputs(of: tower))
        }
    }

    func backward(
        _ parameters: UnsafePointer<Float>, input: UnsafePointer<Lanes>, inputGradient: LaneBuffer?,
        into gradient: UnsafeMutablePointer<Float>
    ) {
        biasSums.start.update(repeating: .zero, count: biasSums.count)
        for tower in 0..<towers {
            poolBackward(
                shape, gradient: pooledGradient.start + tower * shape.pooledCount, outputs: outputs(of: tower),
                slope: parameters[slope],
                convolutionGradient: convolutionGradient.start + tower * shape.outputCount,
                biasGradient: biasSums.start, slopeGradient: biasSums.start + shape.outputChannels)
        }
        biasGradient(
            units: shape.outputChannels, towers: 1, gradient: biasSums.start, into: gradient + offsets.bias)
        gradient[slope] = horizontalSum(biasSums.start[shape.outputChannels])
        convolutionWeightGradient(
            shape, towers: towers, gradient: convolutionGradient.start, input: input,
            weightGradient: gradient + offsets.weight)
        guard let inputGradient else { return }
        for tower in 0..<towers {
            convolutionDataGradient(
                shape, gradient: convolutionGradient.start + tower * shape.outputCount,
                weights: parameters + offsets.weight,
                inputGradient: inputGradient.start + tower * shape.inputCount)
        }
    }

    private func outputs(of tower: Int) -> PooledOutputs {
        let at = tower * shape.pooledCount
        return PooledOutputs(
            activation: activation.start + at, preactivation: preactivation.start + at, winner: winner.start + at)
    }
}

/// One dense layer of the encoder, with the PReLU that follows it (none after the latent layer).
private final class DenseStage {
    /// How the gradient of the bias comes about.
    enum BiasGradient {
        case sum
        /// It is exactly zero: the layer's output gradients add up to zero over the towers.
        case zero
        /// As `cancellingBiasGradient` says: the next layer's is `zero`.
        case cancelling
    }

    private let inputs: Int
    private let outputs: Int
    private let towers: Int
    private let offsets: LayerOffsets
    let preactivation: LaneBuffer
    let activation: LaneBuffer
    /// Gradient of the output; the stage above writes it, PReLU turns it into that of `preactivation` in place.
    let gradient: LaneBuffer
    private let panels: LaneBuffer

    init(inputs: Int, outputs: Int, towers: Int, offsets: LayerOffsets) {
        self.inputs = inputs
        self.outputs = outputs
        self.towers = towers
        self.offsets = offsets
        preactivation = LaneBuffer(count: towers * outputs)
        activation = offsets.slope == nil ? preactivation : LaneBuffer(count: towers * outputs)
        gradient = LaneBuffer(count: towers * outputs)
        panels = LaneBuffer(count: towers * inputs)
    }

    func forward(_ parameters: UnsafePointer<Float>, input: UnsafePointer<Lanes>) {
        denseForward(
            inputs: inputs, outputs: outputs, towers: towers, x: input, weights: parameters + offsets.weight,
            bias: parameters + offsets.bias, y: preactivation.start)
        guard let slope = offsets.slope else { return }
        preluForward(
            count: preactivation.count, x: preactivation.start, slope: parameters[slope], y: activation.start)
    }

    func backward(
        _ parameters: UnsafePointer<Float>, input: LaneBuffer, inputGradient: LaneBuffer, bias: BiasGradient,
        into parameterGradient: UnsafeMutablePointer<Float>
    ) {
        if bias == .cancelling, let slope = offsets.slope {
            cancellingBiasGradient(
                units: outputs, towers: towers, gradient: gradient.start, x: preactivation.start,
                slope: parameters[slope], into: parameterGradient + offsets.bias)
        }
        if let slope = offsets.slope {
            parameterGradient[slope] = preluBackward(
                count: gradient.count, x: preactivation.start, slope: parameters[slope],
                gradient: gradient.start)
        }
        switch bias {
        case .sum:
            biasGradient(
                units: outputs, towers: towers, gradient: gradient.start, into: parameterGradient + offsets.bias)
        case .zero: (parameterGradient + offsets.bias).update(repeating: 0, count: outputs)
        case .cancelling: break
        }
        transposeToPanels(units: inputs, towers: towers, from: input.start, to: panels.start)
        denseWeightGradient(
            inputs: inputs, outputs: outputs, towers: towers, gradient: gradient.start,
            panels: panels.start, weightGradient: parameterGradient + offsets.weight)
        denseDataGradient(
            inputs: inputs, outputs: outputs, towers: towers, gradient: gradient.start,
            weights: parameters + offsets.weight, inputGradient: inputGradient.start)
    }
}
