// Where each parameter lives in the one contiguous buffer of a network. Wire, reduction tree, optimizer and checkpoint act on
// the buffer; only layers look at the slices.
internal import Kernels

/// A named, shaped range of the parameter buffer.
package struct ParameterSlice: Equatable, Sendable {
    /// As in the `state_dict` of the PyTorch module, for example `embedding.encoder.0.weight`.
    package let name: String
    package let shape: [Int]
    /// Index of the first float in the buffer.
    package let offset: Int
    /// How its values begin.
    package let initializer: Initializer

    package var count: Int { shape.reduce(1, *) }

    package enum Initializer: Equatable, Sendable {
        /// Uniform in ±1/√fanIn, PyTorch's default for convolutions and dense layers; fanIn is the inputs of one output.
        case uniform(fanIn: Int)
        case constant(Float)
        case standardNormal
    }
}

/// A convolution block's or dense layer's parameters, as offsets into the buffer.
package struct LayerOffsets: Equatable, Sendable {
    package let weight: Int
    package let bias: Int
    /// Of the PReLU that follows, if one does.
    package let slope: Int?
}

/// The table of all parameters of a network, in buffer order.
package struct ParameterLayout: Equatable, Sendable {
    package private(set) var slices: [ParameterSlice] = []
    /// Two convolution blocks, then the dense layers up to the latent one.
    package private(set) var encoder: [LayerOffsets] = []
    /// The head's dense layer: d→10 of the classifier, d→1 of binary cross-entropy.
    package private(set) var head: LayerOffsets?
    /// Scaling factor s of the binary cross-entropy head, d values.
    package private(set) var scalingFactor: Int?
    /// Parameters of the network.
    package private(set) var count = 0
    /// `count` rounded up to whole vectors: the length of parameter buffers. The padding is zero and stays so.
    package var paddedCount: Int { (count + laneCount - 1) / laneCount * laneCount }

    package init(_ network: NetworkDescription) {
        let channels = network.architecture.channels
        addConvolution(at: 0, from: 1, to: channels.first)
        addConvolution(at: 3, from: channels.first, to: channels.second)
        var width = channels.second * 16
        var module = 7
        for outputs in network.architecture.hidden {
            addDense("embedding.encoder.\(module)", from: width, to: outputs, slopeOf: module + 1)
            width = outputs
            module += 2
        }
        addDense("embedding.encoder.\(module)", from: width, to: network.latentDimensions, slopeOf: nil)
        addHead(of: network)
    }

    private mutating func addHead(of network: NetworkDescription) {
        switch network.kind {
        case .siameseContrastive, .triplet, .onlineContrastive, .onlineTriplet, .supervisedContrastive, .ntXent: break
        case .embeddingClassification:
            head = add("classifier.0", weight: [classCount, network.latentDimensions], slopeOf: nil)
        case .siameseBinaryCrossEntropy:
            head = add("output.0", weight: [1, network.latentDimensions], slopeOf: nil)
            scalingFactor = add("scaling_factor", [network.latentDimensions], .standardNormal)
        }
    }

    private mutating func addConvolution(at module: Int, from inputs: Int, to outputs: Int) {
        encoder.append(add("embedding.encoder.\(module)", weight: [outputs, inputs, 5, 5], slopeOf: module + 1))
    }

    private mutating func addDense(_ name: String, from inputs: Int, to outputs: Int, slopeOf prelu: Int?) {
        encoder.append(add(name, weight: [outputs, inputs], slopeOf: prelu))
    }

    private mutating func add(_ name: String, weight shape: [Int], slopeOf prelu: Int?) -> LayerOffsets {
        let fanIn = shape.dropFirst().reduce(1, *)
        let weight = add(name + ".weight", shape, .uniform(fanIn: fanIn))
        let bias = add(name + ".bias", [shape[0]], .uniform(fanIn: fanIn))
        let slope = prelu.map { add("embedding.encoder.\($0).weight", [1], .constant(0.25)) }
        return LayerOffsets(weight: weight, bias: bias, slope: slope)
    }

    private mutating func add(_ name: String, _ shape: [Int], _ initializer: ParameterSlice.Initializer) -> Int {
        let slice = ParameterSlice(name: name, shape: shape, offset: count, initializer: initializer)
        slices.append(slice)
        count += slice.count
        return slice.offset
    }
}
