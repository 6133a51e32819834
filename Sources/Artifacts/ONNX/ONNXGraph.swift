// A computation as an ONNX file: values of the few kinds that this project's networks need, and their bytes. Which network becomes
// which graph is the Runtime's. Field numbers: onnx.proto of ONNX 1.12, the release of opset 17 and IR version 8.

/// A graph of operators on float tensors.
package struct ONNXGraph: Equatable, Sendable {
    /// A parameter of an operator.
    package enum Attribute: Equatable, Sendable {
        case integer(Int)
        case integers([Int])
    }

    package struct Node: Equatable, Sendable {
        package let operation: String
        package let inputs: [String]
        package let output: String
        package let attributes: [(name: String, value: Attribute)]

        package init(
            _ operation: String, _ inputs: [String], to output: String,
            _ attributes: [(name: String, value: Attribute)] = []
        ) {
            self.operation = operation
            self.inputs = inputs
            self.output = output
            self.attributes = attributes
        }

        package static func == (left: Node, right: Node) -> Bool {
            left.operation == right.operation && left.inputs == right.inputs && left.output == right.output
                && left.attributes.elementsEqual(right.attributes) { $0 == $1 }
        }
    }

    /// A constant tensor.
    package struct Constant: Equatable, Sendable {
        package enum Content: Equatable, Sendable {
            case floats([Float])
            case integers([Int64])
        }

        package let name: String
        /// No dimensions: a single number.
        package let shape: [Int]
        package let content: Content

        package init(_ name: String, shape: [Int], _ content: Content) {
            let count =
                switch content {
                case .floats(let values): values.count
                case .integers(let values): values.count
                }
            precondition(count == shape.reduce(1, *), "\(count) values of the shape \(shape)")
            self.name = name
            self.shape = shape
            self.content = content
        }
    }

    /// A float tensor that goes in or out.
    package struct Port: Equatable, Sendable {
        package enum Dimension: Equatable, Sendable {
            case fixed(Int)
            /// Any, and the same wherever the name is.
            case named(String)
        }

        package let name: String
        package let shape: [Dimension]
        /// What its numbers mean.
        package let remark: String

        package init(_ name: String, shape: [Dimension], _ remark: String) {
            self.name = name
            self.shape = shape
            self.remark = remark
        }
    }

    package let name: String
    /// In an order in which they can be computed.
    package var nodes: [Node] = []
    package var constants: [Constant] = []
    package var inputs: [Port] = []
    package var outputs: [Port] = []
    /// Free notes, by key.
    package var notes: [(key: String, value: String)] = []

    package init(name: String) { self.name = name }

    package static func == (left: ONNXGraph, right: ONNXGraph) -> Bool {
        left.name == right.name && left.nodes == right.nodes && left.constants == right.constants
            && left.inputs == right.inputs && left.outputs == right.outputs
            && left.notes.elementsEqual(right.notes) { $0 == $1 }
    }
}

// MARK: - Bytes

extension ONNXGraph {
    private static let irVersion = 8
    private static let opset = 17

    /// The file: a `ModelProto`. Equal graphs have equal bytes.
    package func encoded(producer: String, version: String) -> [UInt8] {
        var model = ProtobufWriter()
        model.integer(1, Self.irVersion)
        model.string(2, producer)
        model.string(3, version)
        model.message(7) { graph in write(to: &graph) }
        model.message(8) { opset in
            opset.string(1, "")
            opset.integer(2, Self.opset)
        }
        for note in notes {
            model.message(14) { entry in
                entry.string(1, note.key)
                entry.string(2, note.value)
            }
        }
        return model.bytes
    }

    /// `GraphProto`
    private func write(to graph: inout ProtobufWriter) {
        for node in nodes { graph.message(1) { node.write(to: &$0) } }
        graph.string(2, name)
        for constant in constants { graph.message(5) { constant.write(to: &$0) } }
        for input in inputs { graph.message(11) { input.write(to: &$0) } }
        for output in outputs { graph.message(12) { output.write(to: &$0) } }
    }
}

extension ONNXGraph.Node {
    /// `NodeProto`. Its name is that of its output, which is unique.
    fileprivate func write(to node: inout ProtobufWriter) {
        for input in inputs { node.string(1, input) }
        node.string(2, output)
        node.string(3, output)
        node.string(4, operation)
        for (name, value) in attributes {
            node.message(5) { attribute in
                attribute.string(1, name)
                switch value {
                case .integer(let number):
                    attribute.integer(3, number)
                    attribute.integer(20, 2)
                case .integers(let numbers):
                    for number in numbers { attribute.integer(8, number) }
                    attribute.integer(20, 7)
                }
            }
        }
    }
}

extension ONNXGraph.Constant {
    /// `TensorProto`; its values as raw little-endian bytes.
    fileprivate func write(to tensor: inout ProtobufWriter) {
        for length in shape { tensor.integer(1, length) }
        switch content {
        case .floats(let values):
            tensor.integer(2, 1)
            tensor.string(8, name)
            tensor.data(9, values.flatMap { Self.littleEndian($0.bitPattern) })
        case .integers(let values):
            tensor.integer(2, 7)
            tensor.string(8, name)
            tensor.data(9, values.flatMap { Self.littleEndian($0) })
        }
    }

    private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}

extension ONNXGraph.Port {
    /// `ValueInfoProto`, of float tensors.
    fileprivate func write(to port: inout ProtobufWriter) {
        port.string(1, name)
        port.message(2) { type in
            type.message(1) { tensor in
                tensor.integer(1, 1)
                tensor.message(2) { shape in
                    for dimension in self.shape {
                        shape.message(1) { field in
                            switch dimension {
                            case .fixed(let length): field.integer(1, length)
                            case .named(let name): field.string(2, name)
                            }
                        }
                    }
                }
            }
        }
        port.string(3, remark)
    }
}
