// Writes the little-endian fields of one header. The only place where bytes of a header are made.

/// Grows a header field by field, in the order in which `HeaderReader` takes it apart.
struct HeaderWriter {
    private var bytes: [UInt8] = []

    init(_ kind: MessageKind, run: RunID) {
        bytes.reserveCapacity(160)
        integer(HeaderPrefix.magic)
        integer(BuildIdentity.currentProtocol)
        integer(kind.rawValue)
        integer(run.high)
        integer(run.low)
    }

    mutating func integer(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// The header, with the fingerprint of all of it at its end.
    consuming func sealed() -> [UInt8] {
        let seal = fingerprint(of: bytes)
        integer(seal)
        return bytes
    }

    mutating func double(_ value: Double) { integer(value.bitPattern) }

    mutating func digest(_ digest: SelfTestDigest) {
        for index in 0..<4 { integer(digest.words[index]) }
    }

    /// A length of 16 bits and that many bytes of UTF-8: `text` with its control characters replaced, cut at a
    /// character so that at most `limit` bytes are left.
    mutating func text(_ text: String, limit: Int) {
        let cut = Self.sendable(text, limit: limit)
        integer(UInt16(cut.utf8.count))
        bytes.append(contentsOf: cut.utf8)
    }

    static func sendable(_ text: String, limit: Int) -> String {
        var result = ""
        for character in text {
            let printable = character.unicodeScalars.allSatisfy(\.isPrintable) ? character : " "
            guard result.utf8.count + printable.utf8.count <= limit else { break }
            result.append(printable)
        }
        return result
    }
}

extension Unicode.Scalar {
    /// Not a control character: what a peer sends ends up in logs and on terminals.
    var isPrintable: Bool { value >= 0x20 && !(0x7f...0x9f).contains(value) }
}
