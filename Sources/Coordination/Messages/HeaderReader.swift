// Takes the fields of one header apart, checking every one against what is there. Never reads beyond the header,
// never traps on its contents, and allocates only text that has passed its limit.

/// A cursor over the bytes of a header.
struct HeaderReader {
    private var bytes: UnsafeRawBufferPointer
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func integer<Value: FixedWidthInteger>(
        _ field: String, as _: Value.Type = Value.self
    ) throws(DecodingFailure) -> Value {
        let size = Value.bitWidth / 8
        try require(size, for: field)
        defer { offset += size }
        return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    /// A 32-bit count or index, as `Int`, at most `limit`.
    mutating func count(_ field: String, limit: Int) throws(DecodingFailure) -> Int {
        let value: UInt32 = try integer(field)
        guard Int(value) <= limit else {
            throw .outOfRange(field: field, value: UInt64(value), limit: UInt64(limit))
        }
        return Int(value)
    }

    mutating func double(_ field: String) throws(DecodingFailure) -> Double {
        Double(bitPattern: try integer(field))
    }

    mutating func digest(_ field: String) throws(DecodingFailure) -> SelfTestDigest {
        var words = SIMD4<UInt64>()
        for index in 0..<4 { words[index] = try integer(field) }
        return SelfTestDigest(words: words)
    }

    mutating func text(_ field: String, limit: Int) throws(DecodingFailure) -> String {
        let length = Int(try integer(field, as: UInt16.self))
        guard length <= limit else { throw .outOfRange(field: field, value: UInt64(length), limit: UInt64(limit)) }
        try require(length, for: field)
        defer { offset += length }
        let encoded = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length])
        guard let text = String(validating: encoded, as: UTF8.self), text.unicodeScalars.allSatisfy(\.isPrintable)
        else { throw .invalidText(field: field) }
        return text
    }

    /// Checks the fingerprint at the end of a header of our own protocol version, and takes it off. Before any field behind
    /// the prefix is believed.
    mutating func breakSeal() throws(DecodingFailure) {
        let end = bytes.count - 8
        guard end >= offset else {
            throw .tooShort(field: "fingerprint", offset: offset, needs: 8, has: bytes.count - offset)
        }
        let written = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: end, as: UInt64.self))
        bytes = UnsafeRawBufferPointer(rebasing: bytes[..<end])
        guard fingerprint(of: bytes) == written else { throw .damaged(frame: nil) }
    }

    /// Called after the last field of a message of our own protocol version.
    func finish() throws(DecodingFailure) {
        guard offset == bytes.count else { throw .trailingBytes(bytes.count - offset) }
    }

    private func require(_ size: Int, for field: String) throws(DecodingFailure) {
        guard bytes.count - offset >= size else {
            throw .tooShort(field: field, offset: offset, needs: size, has: bytes.count - offset)
        }
    }
}
