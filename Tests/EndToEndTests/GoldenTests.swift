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
        GoldenDigest("embedding-classification", "seed", "GOLDEN-0"),
        GoldenDigest("siamese-contrastive", "seed", "GOLDEN-1"),
        GoldenDigest("siamese-binary-cross-entropy", "seed", "GOLDEN-2"),
        GoldenDigest("triplet", "seed", "GOLDEN-3"),
        GoldenDigest("siamese-contrastive", "wide", "GOLDEN-4"),
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
