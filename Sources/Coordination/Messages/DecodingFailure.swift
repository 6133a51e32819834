// Why bytes from a peer are not a message. Every case is a peer's doing, so none of them may stop this process.

/// A header or its payload frames that were refused, with the place and the expectation.
package enum DecodingFailure: Error, Equatable, Sendable {
    case tooShort(field: String, offset: Int, needs: Int, has: Int)
    case tooLong(bytes: Int, limit: Int)
    case trailingBytes(Int)
    case wrongMagic(UInt32)
    case otherProtocolVersion(own: UInt16, peer: UInt16)
    case unknownKind(UInt16)
    case outOfRange(field: String, value: UInt64, limit: UInt64)
    case inconsistent(String)
    case invalidText(field: String)
    case wrongPayloadCount(expected: Int, got: Int)
    case wrongPayloadSize(frame: Int, expected: Int, got: Int)
    case parameterCountUnknown
    /// The fingerprint of the header (nil) or of a payload frame is not the one that it came with.
    case damaged(frame: Int?)

    /// The bytes were a message once: not the sender is to blame, but the way, or a memory.
    package var isDamage: Bool { if case .damaged = self { true } else { false } }
}

extension DecodingFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooShort(let field, let offset, let needs, let has):
            "header ends inside \(field): it needs \(needs) bytes at offset \(offset), there are \(has)"
        case .tooLong(let bytes, let limit): "header of \(bytes) bytes, at most \(limit) are allowed"
        case .trailingBytes(let count): "header has \(count) bytes too many for its kind"
        case .wrongMagic(let value):
            "bad magic 0x\(String(value, radix: 16)): is something else than siamese connected to this address?"
        case .otherProtocolVersion(let own, let peer):
            "peer speaks protocol version \(peer), this build speaks \(own): install the same build on both sides"
        case .unknownKind(let kind): "unknown message kind 0x\(String(kind, radix: 16)) for this direction"
        case .outOfRange(let field, let value, let limit): "\(field) is \(value), at most \(limit) is allowed"
        case .inconsistent(let sentence): sentence
        case .invalidText(let field): "\(field) is not printable UTF-8"
        case .wrongPayloadCount(let expected, let got):
            "\(got) payload frames came with a header that calls for \(expected)"
        case .wrongPayloadSize(let frame, let expected, let got):
            "payload frame \(frame) has \(got) bytes, its header calls for \(expected)"
        case .damaged(nil): "the header does not match its fingerprint: it was damaged on the way"
        case .damaged(let frame?): "payload frame \(frame) does not match its fingerprint: it was damaged on the way"
        case .parameterCountUnknown: "a frame of floats came before the welcome that tells the parameter count"
        }
    }
}
