// The arithmetic of this version, pinned: the model's SHA-256 after 20 steps of every network on the synthetic data.
//
// A change here is a decision. If it is meant (a kernel adds in another order, a stream is drawn differently): raise
// `numericsVersion` in ModelCore, so that builds with the old arithmetic are refused at the door and old checkpoints are not
// resumed; then run `scripts/test --filter GoldenTests` and copy the digests that the failures print into this table. If it is not
// meant, the digests of one machine and another, or of one compiler and the next, have just been seen to differ: find out why.
import ModelCore
import Testing

/// One line of the table.
struct GoldenDigest: CustomTestStringConvertible, Sendable {
    let network: String
    let architecture: String
    let digest: String

    init(_ network: String, _ architecture: String, _ digest: String) {
        (self.network, self.architecture, self.digest) = (network, architecture, digest)
    }

    var testDescription: String { "\(network) \(architecture)" }

    static let numericsVersion: UInt32 = 1
    static let table = [
        GoldenDigest(
            "embedding-classification", "seed", "fb14767f1c13e578a0f97ed93c82cff0a4f6dcffbb4c0b1ea175460742549cd8"),
        GoldenDigest("siamese-contrastive", "seed", "dd3c296d808a0ce338031a2caf08dfcdec2dabe7810b24f072b37f9ab554fa16"),
        GoldenDigest(
            "siamese-binary-cross-entropy", "seed", "5efe1ca98889262252cd48d1059012bc9d76965ab9a7daf0054402e9388a2e45"),
        GoldenDigest("triplet", "seed", "9f6f354f8a4d648a20cf308b0c85cf28a579a3e1b69acf7a0204715ed5ed5631"),
        GoldenDigest("siamese-contrastive", "wide", "3e5823fc73555571d01343bf8fd2b61dd93f3920f29619941ec00f1794928b89"),
        GoldenDigest("siamese-contrastive", "koch", "b46d3119f8c14c6c63ddf09e40e52263040f005ce34f06d67f259d36095ed8f1"),
        GoldenDigest("vae", "seed", "af895f14c7ca33e3f4359f5cfdb40affc48b6c5012014a7d6556e5789000497e"),
        GoldenDigest("vae", "koch", "518dfeb32c740e2fcbeaaf7784ca7e7d3c7951cb52e48a26ca4613b0ef9cfdcb"),
        GoldenDigest("online-contrastive", "seed", "9f223161076df8fcb4af101ff465d858ba553bcdc8f9d23e09ccf5bb21aa7f13"),
        GoldenDigest("online-triplet", "seed", "412bfda5693e9ab33d582ab7907a4c86c29598b34becfeb4dd2fe8199b96a22b"),
        GoldenDigest(
            "supervised-contrastive", "seed", "d962078e0f9cdb83102a11a5f3af735da6122f85935bbb9bca6d39b9ba033644"),
        GoldenDigest("nt-xent", "seed", "344eceab4dd1935028b7f2b773dbcc7aed0663298f8c76613ff63c1336c15287"),
    ]
}

extension EndToEnd {
    @Suite struct GoldenTests {
        @Test(arguments: GoldenDigest.table)
        func twentyStepsGiveTheSameBitsAsEver(golden: GoldenDigest) throws {
            let workspace = try Workspace()
            let arguments = training(
                golden.network, in: workspace, steps: 20, "--architecture", golden.architecture, "--workers", "0")
            let digest = try run(["train"] + arguments, in: workspace).modelDigest()
            #expect(digest == golden.digest)
        }

        @Test func theTableIsOfThisNumericsVersion() {
            #expect(numericsVersion == GoldenDigest.numericsVersion)
        }
    }
}
