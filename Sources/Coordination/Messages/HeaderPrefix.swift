// The first 24 bytes of every header. Their layout is fixed for ever: two builds of different protocol versions can
// read them, and with them `hello` and `refuse`, far enough to name both versions.

/// Kinds of messages; workers, and who only asks, send those below 0x80, coordinators the others.
package enum MessageKind: UInt16, Sendable, CaseIterable {
    case hello = 0x01
    case partials = 0x02
    case progress = 0x03
    case failure = 0x04
    case workerGoodbye = 0x05
    case statusRequest = 0x07
    case welcome = 0x81
    case refuse = 0x82
    case shard = 0x83
    case ping = 0x84
    case coordinatorGoodbye = 0x85
    case weights = 0x86
    case statusReport = 0x87
    case latentGradients = 0x88
}

/// magic (4 bytes, "SIAM") · protocol version (u16) · kind (u16) · run (16 bytes).
struct HeaderPrefix {
    /// "SIAM", read as a little-endian integer.
    static let magic: UInt32 = 0x4D41_4953

    let protocolVersion: UInt16
    let kind: UInt16
    let run: RunID

    init(_ reader: inout HeaderReader) throws(DecodingFailure) {
        let magic: UInt32 = try reader.integer("magic")
        guard magic == Self.magic else { throw .wrongMagic(magic) }
        protocolVersion = try reader.integer("protocol version")
        kind = try reader.integer("kind")
        run = RunID(high: try reader.integer("run"), low: try reader.integer("run"))
    }

    var isOwnVersion: Bool { protocolVersion == BuildIdentity.currentProtocol }

    /// Throws unless the peer speaks our version.
    func requireOwnVersion() throws(DecodingFailure) {
        guard isOwnVersion else {
            throw .otherProtocolVersion(own: BuildIdentity.currentProtocol, peer: protocolVersion)
        }
    }
}

/// What a header calls for: the size and the fingerprint of each payload frame.
struct PayloadFrame: Equatable {
    let size: Int
    let fingerprint: UInt64
}

/// Checks the payload frames that came with a header against those it calls for; all sizes before the first fingerprint,
/// which costs a look at every byte.
func checkPayload(
    sizes: [Int], fingerprint: (Int) -> UInt64, expected: [PayloadFrame]
) throws(DecodingFailure) {
    guard sizes.count == expected.count else {
        throw .wrongPayloadCount(expected: expected.count, got: sizes.count)
    }
    for (frame, (size, wanted)) in zip(sizes, expected).enumerated() where size != wanted.size {
        throw .wrongPayloadSize(frame: frame, expected: wanted.size, got: size)
    }
    for (frame, wanted) in expected.enumerated() where fingerprint(frame) != wanted.fingerprint {
        throw .damaged(frame: frame)
    }
}

extension MessageLimits {
    /// Bytes of a frame with one float per parameter.
    func floatFrameBytes() throws(DecodingFailure) -> Int {
        guard let parameterCount else { throw .parameterCountUnknown }
        return 4 * parameterCount
    }

    /// Bytes of the latent vectors of an example.
    func latentBytesPerExample() throws(DecodingFailure) -> Int {
        guard let latentCount else { throw .parameterCountUnknown }
        return 4 * latentCount
    }

    static func requireHeaderFits(_ header: UnsafeRawBufferPointer) throws(DecodingFailure) {
        guard header.count <= maximumHeaderBytes else {
            throw .tooLong(bytes: header.count, limit: maximumHeaderBytes)
        }
    }
}
