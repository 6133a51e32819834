// SHA-256 against the examples of FIPS 180-4 (NIST, "Secure Hash Standard: examples with intermediate values").
import Storage
import Testing

@Suite struct SHA256Tests {
    static let ofNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    static let ofABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    static let ofMillionA = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

    @Test func knownAnswers() {
        #expect("\(SHA256.digest(of: []))" == Self.ofNothing)
        #expect("\(SHA256().finish())" == Self.ofNothing)
        #expect("\(SHA256.digest(of: Array("abc".utf8)))" == Self.ofABC)
        #expect("\(SHA256.digest(of: [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)))" == Self.ofMillionA)
    }

    @Test(arguments: [1, 63, 64, 65, 999, 1_000_000]) func piecesMakeNoDifference(pieceSize: Int) {
        var hash = SHA256()
        var left = 1_000_000
        while left > 0 {
            hash.update([UInt8](repeating: UInt8(ascii: "a"), count: min(left, pieceSize)))
            hash.update([])
            left -= min(left, pieceSize)
        }
        #expect("\(hash.finish())" == Self.ofMillionA)
    }

    @Test func hexadecimalRoundTrip() throws {
        let digest = SHA256.digest(of: Array("abc".utf8))
        #expect(SHA256.Digest(hexadecimal: Self.ofABC) == digest)
        #expect(SHA256.Digest(hexadecimal: Self.ofABC.uppercased()) == digest)
        #expect(SHA256.Digest(bytes: digest.bytes) == digest)
        #expect(digest.bytes.count == 32)
    }

    @Test(arguments: [
        "", "ab", ofABC + "0", String(ofABC.dropLast()), "g" + ofABC.dropFirst(), "é" + ofABC.dropFirst(2),
    ])
    func refusesWhatIsNoDigest(text: String) {
        #expect(SHA256.Digest(hexadecimal: text) == nil)
    }

    @Test func refusesWrongLength() {
        #expect(SHA256.Digest(bytes: []) == nil)
        #expect(SHA256.Digest(bytes: [UInt8](repeating: 0, count: 33)) == nil)
    }
}
