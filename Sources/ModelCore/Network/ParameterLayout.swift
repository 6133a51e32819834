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
    /// The convolution blocks, then the dense layers up to the latent one.
    package private(set) var encoder: [LayerOffsets] = []
    /// The dense layers of a variational autoencoder's decoder, from the latent vector to the logits of the pixels.
    package private(set) var decoder: [LayerOffsets] = []
    /// The head's dense layer: d→10 of the classifier, d→1 of binary cross-entropy.
    package private(set) var head: LayerOffsets?
    /// Scaling factor s of the binary cross-entropy head, d values.
    package private(set) var scalingFactor: Int?
    /// Parameters of the network.
    package private(set) var count = 0
    /// `count` rounded up to whole vectors: the length of parameter buffers. The padding is zero and stays so.
    package var paddedCount: Int { (count + laneCount - 1) / laneCount * laneCount }

    package init(_ network: NetworkDescription) {
        // Modules of PyTorch's `Sequential`: a block is three, a dense layer with its PReLU two, flattening one.
        let architecture = network.architecture
        var module = 0
        for shape in architecture.shapes {
            let kernel = [shape.outputChannels, shape.inputChannels, shape.kernelSize, shape.kernelSize]
            addEncoderLayer(module, weight: kernel, hasSlope: true)
            module += 3
        }
        var width = architecture.flatWidth
        if let channels = architecture.coveringChannels, let last = architecture.shapes.last {
            addEncoderLayer(
                module, weight: [channels, last.outputChannels, last.pooledSize, last.pooledSize], hasSlope: true)
            width = channels
            module += 2
        }
        module += 1
        for outputs in architecture.hidden {
            addEncoderLayer(module, weight: [outputs, width], hasSlope: true)
            width = outputs
            module += 2
        }
        if network.kind == .variationalAutoencoder {
            addVariationalLayers(module, from: width, network)
        } else {
            addEncoderLayer(module, weight: [network.latentDimensions, width], hasSlope: false)
            addHead(of: network)
        }
    }

    private mutating func addEncoderLayer(_ module: Int, weight shape: [Int], hasSlope: Bool) {
        let name = "embedding.encoder."
        encoder.append(add("\(name)\(module)", weight: shape, slope: hasSlope ? "\(name)\(module + 1)" : nil))
    }

    /// The two outputs of the encoder lie side by side, so that they are one layer of 2·d outputs (`encoder.last`), of which
    /// whoever wants the mean alone takes the first d; then the decoder, the encoder's dense layers mirrored.
    private mutating func addVariationalLayers(_ module: Int, from width: Int, _ network: NetworkDescription) {
        let d = network.latentDimensions
        let names = ["embedding.encoder.\(module)", "log_variance.0"]
        let weights = names.map { add($0 + ".weight", [d, width], .uniform(fanIn: width)) }
        let biases = names.map { add($0 + ".bias", [d], .uniform(fanIn: width)) }
        encoder.append(LayerOffsets(weight: weights[0], bias: biases[0], slope: nil))
        var inputs = d
        for (index, outputs) in (network.architecture.hidden.reversed() + [imagePixels]).enumerated() {
            let isLast = index == network.architecture.hidden.count
            decoder.append(
                add(
                    "decoder.\(2 * index)", weight: [outputs, inputs],
                    slope: isLast ? nil : "decoder.\(2 * index + 1)"))
            inputs = outputs
        }
    }

    private mutating func addHead(of network: NetworkDescription) {
        switch network.kind {
        case .siameseContrastive, .triplet, .variationalAutoencoder, .onlineContrastive, .onlineTriplet,
            .supervisedContrastive, .ntXent:
            break
        case .embeddingClassification:
            head = add("classifier.0", weight: [classCount, network.latentDimensions], slope: nil)
        case .siameseBinaryCrossEntropy:
            head = add("output.0", weight: [1, network.latentDimensions], slope: nil)
            scalingFactor = add("scaling_factor", [network.latentDimensions], .standardNormal)
        }
    }

    /// - Parameter prelu: name of the module that has the slope
    private mutating func add(_ name: String, weight shape: [Int], slope prelu: String?) -> LayerOffsets {
        let fanIn = shape.dropFirst().reduce(1, *)
        let weight = add(name + ".weight", shape, .uniform(fanIn: fanIn))
        let bias = add(name + ".bias", [shape[0]], .uniform(fanIn: fanIn))
        let slope = prelu.map { add($0 + ".weight", [1], .constant(0.25)) }
        return LayerOffsets(weight: weight, bias: bias, slope: slope)
    }

    private mutating func add(_ name: String, _ shape: [Int], _ initializer: ParameterSlice.Initializer) -> Int {
        let slice = ParameterSlice(name: name, shape: shape, offset: count, initializer: initializer)
        slices.append(slice)
        count += slice.count
        return slice.offset
    }
}
