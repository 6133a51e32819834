// The wire format of Protocol Buffers, as much of it as an ONNX file needs, and only its writing: varints, lengths, 32-bit floats
// (https://protobuf.dev/programming-guides/encoding). Apple's swift-protobuf would bring Foundation, a code generator and 30,000 lines
// of generated code for the forty fields that ONNXGraph.swift writes.

/// The bytes of one message. Fields come in the order in which they are added.
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    private enum WireType: UInt64 {
        case varint = 0
        case lengthDelimited = 2
        case fixed32 = 5
    }

    private mutating func tag(_ field: UInt64, _ type: WireType) { varint(field << 3 | type.rawValue) }

    /// Seven bits a byte, the lowest first; all but the last have the top bit set.
    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// `int32`, `int64` and enumerations: a negative number takes ten bytes.
    mutating func integer(_ field: UInt64, _ value: Int) {
        tag(field, .varint)
        varint(UInt64(bitPattern: Int64(value)))
    }

    mutating func float(_ field: UInt64, _ value: Float) {
        tag(field, .fixed32)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// `bytes`, and anything else that is one piece.
    mutating func data(_ field: UInt64, _ content: some Collection<UInt8>) {
        tag(field, .lengthDelimited)
        varint(UInt64(content.count))
        bytes.append(contentsOf: content)
    }

    mutating func string(_ field: UInt64, _ text: String) { data(field, text.utf8) }

    /// A message within this one.
    mutating func message(_ field: UInt64, _ write: (inout ProtobufWriter) -> Void) {
        var inner = ProtobufWriter()
        write(&inner)
        data(field, inner.bytes)
    }
}
