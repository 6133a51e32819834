// What a finished run leaves: the files of the manual's table, whole and readable, and nothing else.
import Artifacts
import CGIF
import Foundation
import Testing

extension EndToEnd {
    @Suite struct Files {
        static let prefix = "siamese-contrastive-FashionMNIST-"
        static let pngSignature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        private func bytes(_ name: String) throws -> [UInt8] { try workspace.read("output/\(Self.prefix)\(name)") }

        /// Three epochs of 14 steps, with everything.
        private func trainThreeEpochs() throws -> Outcome {
            try run(
                [
                    "train", "siamese-contrastive", "FashionMNIST", "--data", workspace.data, "--output",
                    workspace.output, "--batch-size", "44", "--epochs", "3", "--log-interval", "7", "--animation",
                    "--workers", "2",
                ], in: workspace)
        }

        @Test func aRunLeavesItsFilesAndNothingElse() throws {
            let outcome = try trainThreeEpochs()
            let digest = try outcome.modelDigest()
            #expect(
                outcome.output == "model \(workspace.output)/\(Self.prefix)model.safetensors sha256 \(digest)\n")
            #expect(!outcome.errors.contains("\u{1B}"), "escape codes without a terminal")
            #expect(!outcome.errors.contains("\r"))
            let expected = [
                "checkpoint.previous.safetensors", "checkpoint.safetensors", "latent-space-development.gif",
                "metrics.jsonl", "model.safetensors", "run.json", "stats.png", "testing-set-embedding.png",
                "training-set-embedding.png",
            ]
            let visible = workspace.names(in: "output").filter { !$0.hasPrefix(".") }
            #expect(visible == expected.map { Self.prefix + $0 })
            #expect(workspace.names(in: "tmp") == [], "left behind")
            #expect(workspace.names(in: "home") == [], "left behind")
            for picture in ["stats.png", "testing-set-embedding.png", "training-set-embedding.png"] {
                #expect(try bytes(picture).starts(with: Self.pngSignature), "\(picture)")
            }
            try checkAnimation()
            try checkMetrics()
            try checkReport(digest: digest)
        }

        /// A frame before the first epoch and one after each, for ever in a loop.
        private func checkAnimation() throws {
            var error: Int32 = 0
            let file = try #require(
                DGifOpenFileName("\(workspace.output)/\(Self.prefix)latent-space-development.gif", &error))
            defer { DGifCloseFile(file, nil) }
            #expect(DGifSlurp(file) == GIF_OK)
            #expect(file.pointee.ImageCount == 4)
            let bytes = try bytes("latent-space-development.gif")
            let loop = Array("NETSCAPE2.0".utf8) + [3, 1, 0, 0, 0]
            #expect(bytes.indices.contains { bytes[$0...].starts(with: loop) }, "it does not loop for ever")
        }

        private func checkMetrics() throws {
            let text = String(decoding: try bytes("metrics.jsonl"), as: UTF8.self)
            #expect(text.hasSuffix("\n"))
            let lines = try text.split(separator: "\n").map { try MetricsLine(decoding: Array($0.utf8)) }
            #expect(lines.filter { $0.split == .train }.map(\.step) == [7, 14, 21, 28, 35, 42])
            #expect(lines.filter { $0.split == .test }.map(\.step) == [14, 28, 42])
            #expect(lines.filter { $0.split == .test }.map(\.epoch) == [1, 2, 3])
            #expect(lines.allSatisfy { $0.loss.isFinite && $0.loss > 0 })
            #expect(lines.allSatisfy { ($0.imagesPerSecond ?? 1) > 0 })
        }

        private func checkReport(digest: String) throws {
            let report = try JSONValue(parsing: bytes("run.json"))
            #expect(report["steps"]?.integer == 42)
            #expect(report["model_sha256"]?.string == digest)
            for key in ["seconds", "images_per_second", "final_train_loss", "final_test_loss"] {
                #expect((report[key]?.number ?? 0) > 0, "\(key)")
            }
            for key in ["configuration", "versions", "machine", "workers"] { #expect(report[key] != nil, "\(key)") }
            #expect(report["workers"]?.array?.count == 2)
            #expect(report["configuration"]?["batch_size"]?.integer == 44)
            #expect(report["configuration"]?["network"]?.string == "siamese-contrastive")
            let lines = String(decoding: try bytes("metrics.jsonl"), as: UTF8.self).split(separator: "\n")
            let last = try MetricsLine(decoding: Array(try #require(lines.last).utf8))
            #expect(report["final_test_loss"]?.number == last.loss)
        }

        @Test func theModelFileIsAFunctionOfTheWeightsAlone() throws {
            let one = training("triplet", in: workspace, "--workers", "1")
            let other = training(
                "triplet", in: workspace, output: "\(workspace.path)/other", "--log-interval", "3", "--animation",
                "--checkpoint-interval", "9")
            _ = try run(["train"] + one, in: workspace).modelDigest()
            // A second --log-interval: the last one holds.
            _ = try run(["train"] + other, in: workspace).modelDigest()
            let name = "triplet-FashionMNIST-model.safetensors"
            #expect(try workspace.read("output/\(name)") == workspace.read("other/\(name)"))
        }

        @Test(arguments: networks)
        func theModelFileHasPyTorchsNamesAndShapes(network: String) throws {
            _ = try run(["train"] + training(network, in: workspace, steps: 2), in: workspace).modelDigest()
            let path = "output/\(network)-FashionMNIST-model.safetensors"
            let model = try Safetensors(decoding: workspace.read(path), file: path)
            let tensors = Dictionary(uniqueKeysWithValues: model.tensors.map { ($0.name, $0.shape) })
            #expect(tensors == Self.encoder.merging(Self.heads[network] ?? [:]) { $1 })
            #expect(model.tensors.allSatisfy { $0.elementType == .f32 })
            #expect(model.metadata.isEmpty)
        }

        /// What `state_dict()` of the original's modules holds (seed architecture, two latent dimensions).
        private static let encoder: [String: [Int]] = [
            "embedding.encoder.0.weight": [6, 1, 5, 5], "embedding.encoder.0.bias": [6],
            "embedding.encoder.1.weight": [1],
            "embedding.encoder.3.weight": [16, 6, 5, 5], "embedding.encoder.3.bias": [16],
            "embedding.encoder.4.weight": [1],
            "embedding.encoder.7.weight": [128, 256], "embedding.encoder.7.bias": [128],
            "embedding.encoder.8.weight": [1],
            "embedding.encoder.9.weight": [2, 128], "embedding.encoder.9.bias": [2],
        ]
        private static let heads: [String: [String: [Int]]] = [
            "embedding-classification": ["classifier.0.weight": [10, 2], "classifier.0.bias": [10]],
            "siamese-binary-cross-entropy": [
                "output.0.weight": [1, 2], "output.0.bias": [1], "scaling_factor": [2],
            ],
            "vae": [
                "log_variance.0.weight": [2, 128], "log_variance.0.bias": [2],
                "decoder.0.weight": [128, 2], "decoder.0.bias": [128], "decoder.1.weight": [1],
                "decoder.2.weight": [784, 128], "decoder.2.bias": [784],
            ],
        ]
    }
}
