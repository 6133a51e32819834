// SHA-256 (FIPS 180-4) by libsodium, one-shot and streaming. Not a keyed hash, and not for passwords.
import CSodium

/// A running SHA-256: `update` any number of times, then `finish`.
package struct SHA256 {
    private var state = crypto_hash_sha256_state()

    package init() {
        crypto_hash_sha256_init(&state)
    }

    /// Takes in the next bytes of the message.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        crypto_hash_sha256_update(&state, bytes.bindMemory(to: UInt8.self).baseAddress, UInt64(bytes.count))
    }

    package mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// The digest of all bytes taken in. Ends this hash: start a new one for another message.
    package consuming func finish() -> Digest {
        var bytes = [UInt8](repeating: 0, count: Digest.byteCount)
        crypto_hash_sha256_final(&state, &bytes)
        return Digest(unchecked: bytes)
    }

    package static func digest(of bytes: UnsafeRawBufferPointer) -> Digest {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finish()
    }

    package static func digest(of bytes: [UInt8]) -> Digest {
        bytes.withUnsafeBytes { digest(of: $0) }
    }
}

extension SHA256 {
    /// 32 bytes; described as 64 lower-case hexadecimal digits.
    package struct Digest: Hashable, Sendable, CustomStringConvertible {
        package static let byteCount = 32
        package let bytes: [UInt8]

        fileprivate init(unchecked bytes: [UInt8]) {
            self.bytes = bytes
        }

        /// Nil unless there are exactly 32 bytes.
        package init?(bytes: [UInt8]) {
            guard bytes.count == Digest.byteCount else { return nil }
            self.bytes = bytes
        }

        /// Nil unless `text` is exactly 64 hexadecimal digits of either case.
        package init?(hexadecimal text: String) {
            let digits = Array(text.utf8)
            guard digits.count == 2 * Digest.byteCount else { return nil }
            var bytes: [UInt8] = []
            for first in stride(from: 0, to: digits.count, by: 2) {
                guard let high = Digest.value(ofDigit: digits[first]),
                    let low = Digest.value(ofDigit: digits[first + 1])
                else { return nil }
                bytes.append(high << 4 | low)
            }
            self.bytes = bytes
        }

        package var description: String {
            let digits = Array("0123456789abcdef".utf8)
            return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
        }

        private static func value(ofDigit digit: UInt8) -> UInt8? {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
            default: nil
            }
        }
    }
}
