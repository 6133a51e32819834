// Keys as values.

import Messaging
import Testing

@Suite struct CurveKeyTests {
    /// The test keys of rfc.zeromq.org/spec/32 and libzmq's own curve tests.
    private let publicText = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
    private let secretText = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"

    @Test func aPairIsReadAndKnown() throws {
        let publicKey = try #require(PublicKey(z85: publicText))
        let secretKey = try #require(SecretKey(z85: secretText))
        let pair = try #require(KeyPair(publicKey: publicKey, secretKey: secretKey))
        #expect(pair.publicKey.description == publicText && pair.secretKey.z85 == secretText)
    }

    @Test func halvesOfDifferentPairsAreNoPair() throws {
        let (one, other) = try (KeyPair.generate(), KeyPair.generate())
        #expect(one != other)
        #expect(KeyPair(publicKey: one.publicKey, secretKey: other.secretKey) == nil)
        #expect(KeyPair(publicKey: one.publicKey, secretKey: one.secretKey) == one)
    }

    @Test(arguments: [
        "", "Yne@", "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hI", "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hIDD",
        "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hI ", "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hI\"",
        "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hI~", "\u{0}ne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
        // "#####" is 2^32 + something: more than four bytes hold.
        "#####w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", "ünne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hI",
    ])
    func whatIsNotZ85IsNoKey(text: String) {
        #expect(PublicKey(z85: text) == nil)
        #expect(SecretKey(z85: text) == nil)
    }

    @Test func aSecretIsNotPrinted() throws {
        let pair = try KeyPair.generate()
        #expect(!"\(pair)".contains(pair.secretKey.z85))
        #expect(!"\(pair.secretKey)".contains(pair.secretKey.z85))
    }
}
