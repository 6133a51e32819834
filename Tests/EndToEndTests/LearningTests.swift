// Real data: the program learns from FashionMNIST, and its results there are as exact as on the synthetic data. The full table of
// losses is made by Benchmarks/learning.
import Artifacts
import Foundation
import Testing

extension EndToEnd {
    @Suite struct Learning {
        /// Debian's folder of the package dataset-fashion-mnist.
        static let folder = "/usr/share/datasets/fashion-mnist"

        let workspace: Workspace

        init() throws {
            workspace = try Workspace()
            try #require(
                FileManager.default.fileExists(atPath: "\(Self.folder)/train-images-idx3-ubyte.gz"),
                "FashionMNIST is missing: run scripts/test, or  apt-get install dataset-fashion-mnist")
        }

        @Test func contrastivePairsAreLearned() throws {
            let arguments = [
                "train", "siamese-contrastive", "FashionMNIST", "--data", Self.folder, "--output", workspace.output,
                "--max-steps", "1200", "--workers", "2",
            ]
            let outcome = try run(arguments, in: workspace)
            #expect(!outcome.errors.contains("note: "), "the published data: \(outcome.errors)")
            let digest = try outcome.modelDigest()
            let report = try workspace.report("output/siamese-contrastive-FashionMNIST-run.json")
            #expect(report["model_sha256"]?.string == digest)
            let loss = try #require(report["final_test_loss"]?.number)
            // 0.0625 here (0.0636 with seed 5). Untrained: 0.237. A distance that tells nothing about the classes gives at
            // best min over d of ¼(d² + (1 − d)²) = 0.125.
            #expect(loss < 0.07)
        }
    }
}
