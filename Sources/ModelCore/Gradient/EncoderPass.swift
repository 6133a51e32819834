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
    /// Owns what all pointers here and in the stages point to.
    private let memory: LaneMemory
    /// Inputs, [tower][784][lane].
    private let pixels: UnsafeMutablePointer<Lanes>
    /// The blocks, in order; memory of its own, as for the dense layers.
    private let convolutions: UnsafeMutableBufferPointer<ConvolutionStage>
    /// The dense layers, the latent one last; memory of its own rather than an array, which would be retained and
    /// released at each use.
    private let dense: UnsafeMutableBufferPointer<DenseStage>
    /// Latent vectors, [tower][dimension][lane].
    let latents: UnsafePointer<Lanes>
    /// Gradient of the latent vectors; the head writes it before `backward`.
    let latentGradient: UnsafeMutablePointer<Lanes>

    /// - Parameters:
    ///   - outputs: of the last layer: the latent dimensions, or more where the layout has more after them
    ///   - lender: a pass of the same kind, never used at the same time, whose memory serves for what is only needed within
    ///     `forward` or `backward`: so many passes that are kept in between touch less memory
    ///   - keepsInputs: `restore` need not get them again
    package init(
        _ network: NetworkDescription, layout: ParameterLayout, towers: Int, outputs: Int? = nil,
        scratchOf lender: EncoderPass? = nil, keepsInputs: Bool = false
    ) {
        memory = LaneMemory(scratchOf: lender?.memory)
        self.towers = towers
        towersCancel = towers > 1 && !network.kind.isInBatch
        let inputCount = towers * imagePixels
        pixels = keepsInputs ? memory.vectors(inputCount) : memory.scratchVectors(inputCount)
        let shapes = network.architecture.shapes
        convolutions = .allocate(capacity: shapes.count)
        for (index, shape) in shapes.enumerated() {
            convolutions.initializeElement(
                at: index, to: ConvolutionStage(shape, towers: towers, offsets: layout.encoder[index], memory))
        }
        var width = network.architecture.flatWidth
        let widths = network.architecture.denseWidths + [outputs ?? network.latentDimensions]
        dense = .allocate(capacity: widths.count)
        for (index, outputs) in widths.enumerated() {
            let stage = DenseStage(
                inputs: width, outputs: outputs, towers: towers, offsets: layout.encoder[index + shapes.count], memory)
            dense.initializeElement(at: index, to: stage)
            width = outputs
        }
        let last = dense[dense.count - 1]
        latents = UnsafePointer(last.preactivation)
        latentGradient = last.gradient
    }

    deinit {
        convolutions.deallocate()
        dense.deallocate()
    }

    /// The inputs of a tower, [784][lane].
    var inputs: UnsafePointer<Lanes> { UnsafePointer(pixels) }

    /// Bytes of its own memory.
    var byteCount: Int { memory.byteCount }

    /// Puts one tower's images, [image][784] bytes, into the lanes; lanes from `images` on are zero.
    func load(_ bytes: UnsafePointer<UInt8>, images: Int, tower: Int) {
        loadPixels(count: imagePixels, images: images, from: bytes, to: pixels + tower * imagePixels)
    }

    func forward(_ parameters: UnsafePointer<Float>) {
        var input = pixels
        for stage in convolutions {
            stage.forward(parameters, input: input)
            input = stage.activation
        }
        for stage in dense {
            stage.forward(parameters, input: input)
            input = stage.activation
        }
    }

    /// Computes again what other passes with the same scratch memory may have overwritten since `forward`, but for the inputs.
    func restore(_ parameters: UnsafePointer<Float>) {
        for stage in convolutions { stage.activate(parameters) }
        for stage in dense { stage.activate(parameters) }
    }

    /// Writes the gradient of every encoder parameter, summed over towers and lanes.
    func backward(_ parameters: UnsafePointer<Float>, into gradient: UnsafeMutablePointer<Float>) {
        let last = dense.count - 1
        let top = convolutions[convolutions.count - 1]
        for index in dense.indices.reversed() {
            let below = index > 0 ? dense[index - 1].activation : top.activation
            let belowGradient = index > 0 ? dense[index - 1].gradient : top.pooledGradient
            let bias: DenseStage.BiasGradient =
                !towersCancel || index < last - 1 ? .sum : index == last ? .zero : .cancelling
            dense[index].backward(
                parameters, input: below, inputGradient: belowGradient, bias: bias, into: gradient)
        }
        for index in convolutions.indices.reversed() {
            let below = index > 0 ? convolutions[index - 1] : nil
            convolutions[index].backward(
                parameters, input: below?.activation ?? pixels, inputGradient: below?.pooledGradient, into: gradient)
        }
    }
}

/// One convolution block of the encoder: its kernels bound to its memory and its parameters.
private struct ConvolutionStage {
    private let shape: ConvolutionShape
    private let towers: Int
    private let offsets: LayerOffsets
    private let slope: Int
    let activation: UnsafeMutablePointer<Lanes>
    /// Gradient of `activation`; the stage above writes it.
    let pooledGradient: UnsafeMutablePointer<Lanes>
    private let preactivation: UnsafeMutablePointer<Lanes>
    private let winner: UnsafeMutablePointer<Lanes>
    private let convolutionGradient: UnsafeMutablePointer<Lanes>
    private let biasSums: UnsafeMutablePointer<Lanes>

    init(_ shape: ConvolutionShape, towers: Int, offsets: LayerOffsets, _ memory: LaneMemory) {
        guard let slope = offsets.slope else { preconditionFailure("a PReLU follows every convolution") }
        self.slope = slope
        self.shape = shape
        self.towers = towers
        self.offsets = offsets
        activation = memory.scratchVectors(towers * shape.pooledCount)
        pooledGradient = memory.scratchVectors(towers * shape.pooledCount)
        preactivation = memory.vectors(towers * shape.pooledCount)
        winner = memory.vectors(towers * shape.pooledCount)
        convolutionGradient = memory.scratchVectors(towers * shape.outputCount)
        biasSums = memory.scratchVectors(shape.outputChannels + 1)
    }

    func forward(_ parameters: UnsafePointer<Float>, input: UnsafePointer<Lanes>) {
        for tower in 0..<towers {
            convolutionForward(
                shape, input: input + tower * shape.inputCount, weights: parameters + offsets.weight,
                bias: parameters + offsets.bias, slope: parameters[slope], into: outputs(of: tower))
        }
    }

    /// The last part of `forward`.
    func activate(_ parameters: UnsafePointer<Float>) {
        preluForward(count: towers * shape.pooledCount, x: preactivation, slope: parameters[slope], y: activation)
    }

    func backward(
        _ parameters: UnsafePointer<Float>, input: UnsafePointer<Lanes>, inputGradient: UnsafeMutablePointer<Lanes>?,
        into gradient: UnsafeMutablePointer<Float>
    ) {
        biasSums.update(repeating: .zero, count: shape.outputChannels + 1)
        for tower in 0..<towers {
            poolBackward(
                shape, gradient: pooledGradient + tower * shape.pooledCount, outputs: outputs(of: tower),
                slope: parameters[slope],
                convolutionGradient: convolutionGradient + tower * shape.outputCount,
                biasGradient: biasSums, slopeGradient: biasSums + shape.outputChannels)
        }
        biasGradient(
            units: shape.outputChannels, towers: 1, gradient: biasSums, into: gradient + offsets.bias)
        gradient[slope] = horizontalSum(biasSums[shape.outputChannels])
        convolutionWeightGradient(
            shape, towers: towers, gradient: convolutionGradient, input: input,
            weightGradient: gradient + offsets.weight)
        guard let inputGradient else { return }
        for tower in 0..<towers {
            convolutionDataGradient(
                shape, gradient: convolutionGradient + tower * shape.outputCount,
                weights: parameters + offsets.weight,
                inputGradient: inputGradient + tower * shape.inputCount)
        }
    }

    private func outputs(of tower: Int) -> PooledOutputs {
        let at = tower * shape.pooledCount
        return PooledOutputs(
            activation: activation + at, preactivation: preactivation + at, winner: winner + at)
    }
}

/// One dense layer, with the PReLU that follows it (none after the latent layer, and the last of a decoder).
struct DenseStage {
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
    let preactivation: UnsafeMutablePointer<Lanes>
    let activation: UnsafeMutablePointer<Lanes>
    /// Gradient of the output; the stage above writes it, PReLU turns it into that of `preactivation` in place.
    let gradient: UnsafeMutablePointer<Lanes>
    private let panels: UnsafeMutablePointer<Lanes>

    init(inputs: Int, outputs: Int, towers: Int, offsets: LayerOffsets, _ memory: LaneMemory) {
        self.inputs = inputs
        self.outputs = outputs
        self.towers = towers
        self.offsets = offsets
        preactivation = memory.vectors(towers * outputs)
        activation = offsets.slope == nil ? preactivation : memory.scratchVectors(towers * outputs)
        gradient = memory.scratchVectors(towers * outputs)
        panels = memory.scratchVectors(towers * inputs)
    }

    func forward(_ parameters: UnsafePointer<Float>, input: UnsafePointer<Lanes>) {
        denseForward(
            inputs: inputs, outputs: outputs, towers: towers, x: input, weights: parameters + offsets.weight,
            bias: parameters + offsets.bias, y: preactivation)
        activate(parameters)
    }

    /// The last part of `forward`.
    func activate(_ parameters: UnsafePointer<Float>) {
        guard let slope = offsets.slope else { return }
        preluForward(
            count: towers * outputs, x: preactivation, slope: parameters[slope], y: activation)
    }

    func backward(
        _ parameters: UnsafePointer<Float>, input: UnsafeMutablePointer<Lanes>,
        inputGradient: UnsafeMutablePointer<Lanes>, bias: BiasGradient,
        into parameterGradient: UnsafeMutablePointer<Float>
    ) {
        if bias == .cancelling, let slope = offsets.slope {
            cancellingBiasGradient(
                units: outputs, towers: towers, gradient: gradient, x: preactivation,
                slope: parameters[slope], into: parameterGradient + offsets.bias)
        }
        if let slope = offsets.slope {
            parameterGradient[slope] = preluBackward(
                count: towers * outputs, x: preactivation, slope: parameters[slope],
                gradient: gradient)
        }
        switch bias {
        case .sum:
            biasGradient(
                units: outputs, towers: towers, gradient: gradient, into: parameterGradient + offsets.bias)
        case .zero: (parameterGradient + offsets.bias).update(repeating: 0, count: outputs)
        case .cancelling: break
        }
        transposeToPanels(units: inputs, towers: towers, from: input, to: panels)
        denseWeightGradient(
            inputs: inputs, outputs: outputs, towers: towers, gradient: gradient,
            panels: panels, weightGradient: parameterGradient + offsets.weight)
        denseWeightGradientRest(
            inputs: inputs, outputs: outputs, towers: towers, gradient: gradient, x: input,
            weightGradient: parameterGradient + offsets.weight)
        denseDataGradient(
            inputs: inputs, outputs: outputs, towers: towers, gradient: gradient,
            weights: parameters + offsets.weight, inputGradient: inputGradient)
    }
}
