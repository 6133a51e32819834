// From a trained model to the ONNX graph that computes the same: the encoder, normalization where the network has it, and, if wanted,
// the head. Bytes are ONNXGraph's. docs/onnx.md describes inputs and outputs.
internal import Artifacts
internal import Kernels
internal import ModelCore
internal import Storage

extension NetworkKind {
    /// Whether there is something after the latent vector that can be exported.
    package var hasExportableHead: Bool {
        switch self {
        case .embeddingClassification, .siameseBinaryCrossEntropy, .variationalAutoencoder: true
        case .siameseContrastive, .triplet, .onlineContrastive, .onlineTriplet, .supervisedContrastive, .ntXent: false
        }
    }
}

extension TrainedModel {
    /// The model as an ONNX file: opset 17, IR version 8, any number of images at a time. A function of the weights and of
    /// `withHead` alone.
    ///
    /// - Parameter withHead: only for networks that have one
    package func onnx(withHead: Bool) -> [UInt8] {
        var builder = ONNXBuilder(self)
        builder.addEncoder()
        if withHead { builder.addHead() }
        return builder.graph.encoded(producer: "siamese", version: programVersion)
    }

    /// Writes that file; by default beside the model. Returns its path.
    package func writeONNX(to output: String?, withHead: Bool) throws(RunFailure) -> String {
        let path = output ?? prefix + "model.onnx"
        do {
            try replaceFile(at: path, with: onnx(withHead: withHead))
        } catch {
            throw RunFailure(error)
        }
        return path
    }
}

/// A graph under construction.
private struct ONNXBuilder {
    private(set) var graph: ONNXGraph
    private let network: NetworkDescription
    private let layout: ParameterLayout
    private let parameters: ParameterBuffer
    /// The newest value, and the number of nodes so far.
    private var value = "images"
    private var dimensions: ONNXGraph.Port.Dimension { .fixed(network.latentDimensions) }

    init(_ model: TrainedModel) {
        network = model.network
        layout = ParameterLayout(model.network)
        parameters = model.parameters
        graph = ONNXGraph(name: "siamese")
        graph.notes = [
            ("architecture", network.architecture.rawValue), ("latent_dims", "\(network.latentDimensions)"),
            ("normalized", "\(network.inBatch.isNormalized)"), ("model_sha256", "\(model.digest)"),
        ]
        graph.inputs = [
            .init(
                "images", shape: [.named("N"), .fixed(1), .fixed(28), .fixed(28)],
                "grey values from 0 to 1: the bytes of the dataset's files divided by 255")
        ]
    }

    // MARK: Pieces

    /// The parameters at an offset of the buffer, as a constant by their name in model.safetensors.
    private mutating func constant(at offset: Int) -> String {
        guard let slice = layout.slices.first(where: { $0.offset == offset }) else {
            preconditionFailure("no parameters at \(offset)")
        }
        let values = UnsafeBufferPointer(start: parameters.floats + slice.offset, count: slice.count)
        graph.constants.append(.init(slice.name, shape: slice.shape, .floats(Array(values))))
        return slice.name
    }

    private mutating func constant(_ name: String, _ numbers: [Int64]) -> String {
        graph.constants.append(.init(name, shape: [numbers.count], .integers(numbers)))
        return name
    }

    private mutating func constant(_ name: String, _ number: Float) -> String {
        graph.constants.append(.init(name, shape: [], .floats([number])))
        return name
    }

    /// An operator on the newest value and others; its output is the newest value then.
    private mutating func apply(
        _ operation: String, _ others: [String] = [], to output: String? = nil,
        _ attributes: [(name: String, value: ONNXGraph.Attribute)] = []
    ) {
        let name = output ?? "\(operation.lowercased())_\(graph.nodes.count)"
        graph.nodes.append(.init(operation, [value] + others, to: name, attributes))
        value = name
    }

    private mutating func applyPReLU(_ layer: LayerOffsets) {
        guard let slope = layer.slope else { return }
        apply("PRelu", [constant(at: slope)])
    }

    /// y = x·Wᵀ + b
    private mutating func applyDense(_ layer: LayerOffsets, to output: String? = nil) {
        apply(
            "Gemm", [constant(at: layer.weight), constant(at: layer.bias)], to: output, [("transB", .integer(1))])
        applyPReLU(layer)
    }

    // MARK: The encoder

    mutating func addEncoder() {
        let architecture = network.architecture
        var layers = layout.encoder[...]
        for shape in architecture.shapes {
            guard let layer = layers.popFirst() else { break }
            applyConvolution(layer, kernel: shape.kernelSize)
            apply("MaxPool", [("kernel_shape", .integers([2, 2])), ("strides", .integers([2, 2]))])
        }
        // A convolution over all that is left of the image.
        if architecture.coveringChannels != nil, let last = architecture.shapes.last, let layer = layers.popFirst() {
            applyConvolution(layer, kernel: last.pooledSize)
        }
        apply("Flatten", [("axis", .integer(1))])
        while let layer = layers.popFirst() {
            let isLatent = layers.isEmpty
            applyDense(layer, to: isLatent && !network.inBatch.isNormalized ? "embedding" : nil)
        }
        if network.inBatch.isNormalized { normalize() }
        graph.outputs.append(
            .init("embedding", shape: [.named("N"), dimensions], "latent vectors, as siamese embed writes them"))
    }

    private mutating func apply(_ operation: String, _ attributes: [(name: String, value: ONNXGraph.Attribute)]) {
        apply(operation, [], to: nil, attributes)
    }

    private mutating func applyConvolution(_ layer: LayerOffsets, kernel: Int) {
        apply(
            "Conv", [constant(at: layer.weight), constant(at: layer.bias)], to: nil,
            [("kernel_shape", .integers([kernel, kernel]))])
        applyPReLU(layer)
    }

    /// z / |z|; a vector of length zero stays.
    private mutating func normalize() {
        let vectors = value
        apply("ReduceL2", [("axes", .integers([1])), ("keepdims", .integer(1))])
        let lengths = value
        apply("Equal", [constant("zero", 0)])
        apply("Where", [constant("one", 1), lengths])
        let divisors = value
        value = vectors
        apply("Div", [divisors], to: "embedding")
    }

    // MARK: The heads

    mutating func addHead() {
        switch network.kind {
        case .embeddingClassification: addClassifier()
        case .siameseBinaryCrossEntropy: addVerifier()
        case .variationalAutoencoder: addDecoder()
        case .siameseContrastive, .triplet, .onlineContrastive, .onlineTriplet, .supervisedContrastive, .ntXent:
            preconditionFailure("\(network.kind) has no head")
        }
    }

    private mutating func addClassifier() {
        guard let head = layout.head else { return }
        applyDense(head)
        apply("LogSoftmax", [], to: "log_probabilities", [("axis", .integer(1))])
        graph.outputs.append(
            .init(
                "log_probabilities", shape: [.named("N"), .fixed(classCount)],
                "natural logarithm of each class's probability"))
    }

    /// sigmoid(w·(|z − z′| ⊙ s) + b) of every image's z and every reference's z′.
    private mutating func addVerifier() {
        guard let head = layout.head, let factor = layout.scalingFactor else { return }
        graph.inputs.append(
            .init(
                "references", shape: [.named("M"), dimensions],
                "latent vectors to compare with: the output embedding for other images"))
        // [N, 1, d] − [M, d]
        apply("Unsqueeze", [constant("axis_1", [1])])
        apply("Sub", ["references"])
        apply("Abs")
        apply("Mul", [constant(at: factor)])
        apply("Mul", [constant(at: head.weight)])
        apply("ReduceSum", [constant("axis_2", [2])], to: nil, [("keepdims", .integer(0))])
        apply("Add", [constant(at: head.bias)])
        apply("Sigmoid", to: "probability")
        graph.outputs.append(
            .init(
                "probability", shape: [.named("N"), .named("M")],
                "probability that image n and reference m are of the same class"))
    }

    private mutating func addDecoder() {
        for layer in layout.decoder { applyDense(layer) }
        apply("Sigmoid")
        apply("Reshape", [constant("image_shape", [-1, 1, 28, 28])], to: "reconstruction")
        graph.outputs.append(
            .init(
                "reconstruction", shape: [.named("N"), .fixed(1), .fixed(28), .fixed(28)],
                "what the decoder makes of the embedding, grey values from 0 to 1"))
    }
}
