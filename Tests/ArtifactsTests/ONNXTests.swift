// The bytes of an ONNX file, written down by hand from the description of the wire format. That the files run is Tests/ONNX's.
import Artifacts
import Testing

@Suite struct ONNXTests {
    @Test func bytesAreThoseOfTheWireFormat() {
        var graph = ONNXGraph(name: "g")
        graph.nodes = [.init("Abs", ["x"], to: "y", [("axis", .integer(-1)), ("k", .integers([2, 300]))])]
        graph.constants = [.init("c", shape: [1], .floats([1]))]
        graph.outputs = [.init("y", shape: [.named("N"), .fixed(2)], "r")]
        graph.notes = [("a", "b")]
        let axis: [UInt8] =
            [0x0A, 4] + Array("axis".utf8) + [0x18] + [UInt8](repeating: 0xFF, count: 9) + [1, 0xA0, 1, 2]
        let k: [UInt8] = [0x0A, 1, 0x6B, 0x40, 2, 0x40, 0xAC, 2, 0xA0, 1, 7]
        var node: [UInt8] = [0x0A, 1, 0x78, 0x12, 1, 0x79, 0x1A, 1, 0x79, 0x22, 3] + Array("Abs".utf8)
        node += [0x2A, UInt8(axis.count)] + axis + [0x2A, UInt8(k.count)] + k
        let constant: [UInt8] = [8, 1, 0x10, 1, 0x42, 1, 0x63, 0x4A, 4, 0, 0, 0x80, 0x3F]
        let shape: [UInt8] = [0x0A, 3, 0x12, 1, 0x4E, 0x0A, 2, 8, 2]
        let tensor: [UInt8] = [8, 1, 0x12, UInt8(shape.count)] + shape
        let type: [UInt8] = [0x0A, UInt8(tensor.count)] + tensor
        let port: [UInt8] = [0x0A, 1, 0x79, 0x12, UInt8(type.count)] + type + [0x1A, 1, 0x72]
        var body: [UInt8] = [0x0A, UInt8(node.count)] + node + [0x12, 1, 0x67]
        body += [0x2A, UInt8(constant.count)] + constant + [0x62, UInt8(port.count)] + port
        var expected: [UInt8] = [8, 8, 0x12, 1, 0x70, 0x1A, 1, 0x76, 0x3A, UInt8(body.count)] + body
        expected += [0x42, 4, 0x0A, 0, 0x10, 17, 0x72, 6, 0x0A, 1, 0x61, 0x12, 1, 0x62]
        #expect(graph.encoded(producer: "p", version: "v") == expected)
    }
}
