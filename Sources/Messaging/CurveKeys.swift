// The keys of CURVE (rfc.zeromq.org/spec/26) as values. Not their files: those are read where files are.

internal import CZeroMQ

/// Who a peer is: the public half of its key pair. Written as 40 characters of Z85 (rfc.zeromq.org/spec/32).
package struct PublicKey: Hashable, Sendable, CustomStringConvertible {
    package static let byteCount = 32

    let bytes: [UInt8]

    /// Nil unless there are exactly 32 bytes.
    init?(bytes: [UInt8]) {
        guard bytes.count == PublicKey.byteCount else { return nil }
        self.bytes = bytes
    }

    /// Nil unless `text` is the one way to write 32 bytes in Z85.
    package init?(z85 text: String) {
        guard let bytes = decode(z85: text) else { return nil }
        self.bytes = bytes
    }

    package var description: String { encode(z85: bytes) }
}

/// What proves that a public key is one's own. Never printed: its description does not show it.
package struct SecretKey: Equatable, Sendable, CustomStringConvertible {
    fileprivate let bytes: [UInt8]

    /// Nil unless `text` is the one way to write 32 bytes in Z85.
    package init?(z85 text: String) {
        guard let bytes = decode(z85: text) else { return nil }
        self.bytes = bytes
    }

    /// For the one file that it is kept in, and for libzmq.
    package var z85: String { encode(z85: bytes) }

    package var description: String { "(a secret key)" }
}

/// A key pair of which both halves are known to belong together.
package struct KeyPair: Equatable, Sendable {
    package let publicKey: PublicKey
    package let secretKey: SecretKey

    /// A new one, from the system's random source.
    package static func generate() throws(ZeroMQError) -> KeyPair {
        var publicText = [CChar](repeating: 0, count: z85Length + 1)
        var secretText = publicText
        guard zmq_curve_keypair(&publicText, &secretText) == 0 else { throw .last("make a key pair") }
        guard let publicKey = PublicKey(z85: string(publicText)), let secretKey = SecretKey(z85: string(secretText))
        else { throw ZeroMQError(attempt: "make a key pair", code: EINVAL) }
        return KeyPair(matching: publicKey, secretKey)
    }

    private init(matching publicKey: PublicKey, _ secretKey: SecretKey) {
        self.publicKey = publicKey
        self.secretKey = secretKey
    }

    /// Nil if `publicKey` is not that of `secretKey`.
    package init?(publicKey: PublicKey, secretKey: SecretKey) {
        var derived = [CChar](repeating: 0, count: z85Length + 1)
        guard zmq_curve_public(&derived, secretKey.z85) == 0, string(derived) == publicKey.description else {
            return nil
        }
        self.init(matching: publicKey, secretKey)
    }
}

/// What a connecting peer needs: its own pair, and the public key by which it knows the other side.
package struct ClientKeys: Equatable, Sendable {
    package let own: KeyPair
    package let server: PublicKey

    package init(own: KeyPair, server: PublicKey) {
        self.own = own
        self.server = server
    }
}

/// The public keys that may come in, each with its name.
package struct AdmittedKeys: Equatable, Sendable {
    let names: [PublicKey: String]

    package init(_ names: [PublicKey: String] = [:]) {
        self.names = names
    }

    package var count: Int { names.count }

    /// Nil for a key that is not admitted.
    package func name(of key: PublicKey) -> String? { names[key] }

    package func key(named name: String) -> PublicKey? { names.first { $0.value == name }?.key }
}

// MARK: - Z85

private let z85Length = 40

private func decode(z85 text: String) -> [UInt8]? {
    guard text.utf8.count == z85Length, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
    var bytes = [UInt8](repeating: 0, count: PublicKey.byteCount)
    guard zmq_z85_decode(&bytes, text) != nil, encode(z85: bytes) == text else { return nil }
    return bytes
}

private func encode(z85 bytes: [UInt8]) -> String {
    var text = [CChar](repeating: 0, count: z85Length + 1)
    zmq_z85_encode(&text, bytes, bytes.count)
    return string(text)
}

private func string(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}
