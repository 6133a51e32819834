// `export`, `plot` and `compare` as a user runs them, on runs of the synthetic data; and on runs whose files are not as they were.
// What ONNX Runtime makes of exported models is Tests/ONNX's.
import Artifacts
import Testing

extension EndToEnd {
    @Suite struct FinishedRuns {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        private func train(_ network: String, _ more: String..., output: String? = nil) throws {
            let arguments = training(network, in: workspace, output: output) + ["--workers", "0"] + more
            _ = try run(["train"] + arguments, in: workspace).modelDigest()
        }

        private func succeed(_ arguments: [String]) throws -> Outcome {
            let outcome = try run(arguments, in: workspace)
            try #require(outcome.code == 0, "\(outcome.errors)")
            return outcome
        }

        @Test(arguments: ["triplet", "vae"])
        func plotDrawsWhatTheRunDrew(network: String) throws {
            try train(network, "--animation")
            let again = "\(workspace.path)/again"
            _ = try succeed(["plot", workspace.output, "--output", again, "--threads", "3"])
            let pictures = workspace.names(in: "output").filter { $0.hasSuffix(".png") || $0.hasSuffix(".gif") }
            #expect(pictures.count == (network == "vae" ? 6 : 4))
            #expect(workspace.names(in: "again") == pictures)
            for name in pictures {
                #expect(try workspace.read("again/\(name)") == workspace.read("output/\(name)"), "\(name)")
            }
        }

        @Test func plotKnowsFormatsSizesAndPalettes() throws {
            try train("triplet")
            for (format, magic) in [("svg", "<?xml"), ("pdf", "%PDF-"), ("png", "\u{89}PNG")] {
                let folder = "\(workspace.path)/\(format)"
                _ = try succeed([
                    "plot", workspace.output, "--output", folder, "--format", format, "--size", "900x500", "--palette",
                    "okabe-ito",
                ])
                #expect(workspace.names(in: format).count == 3)
                for name in workspace.names(in: format) {
                    let bytes = try workspace.read("\(format)/\(name)")
                    #expect(
                        bytes.prefix(magic.unicodeScalars.count).elementsEqual(
                            magic.unicodeScalars.map { UInt8($0.value) }))
                }
            }
            // IHDR: two pixels per point.
            let png = try workspace.read("png/triplet-FashionMNIST-stats.png")
            #expect(Array(png[16..<24]) == [0, 0, 0x07, 0x08, 0, 0, 0x03, 0xE8])
        }

        @Test func plotWithoutCheckpointReadsTheMetrics() throws {
            try train("triplet")
            try workspace.remove("output/triplet-FashionMNIST-checkpoint.safetensors")
            let outcome = try succeed(["plot", workspace.output])
            #expect(outcome.errors.contains("metrics.jsonl"))
            try workspace.write(Array("{\"step\":1}\n".utf8), to: "output/triplet-FashionMNIST-metrics.jsonl")
            try expectRefusal(["plot", workspace.output], in: workspace, code: 65, naming: ["metrics.jsonl, line 1"])
            try workspace.remove("output/triplet-FashionMNIST-metrics.jsonl")
            try expectRefusal(
                ["plot", workspace.output], in: workspace, code: 65, naming: ["metrics.jsonl is missing"])
            try workspace.remove("output/triplet-FashionMNIST-model.safetensors")
            try expectRefusal(
                ["plot", workspace.output], in: workspace, code: 65, naming: ["model.safetensors is missing"])
            try workspace.write(Array("{".utf8), to: "output/triplet-FashionMNIST-run.json")
            try expectRefusal(["plot", workspace.output], in: workspace, code: 65, naming: ["run.json is damaged"])
            try expectRefusal(["plot", workspace.data], in: workspace, code: 65, naming: ["no …-run.json"])
            try expectRefusal(["compare", "nowhere"], in: workspace, code: 65, naming: ["there is no nowhere"])
        }

        @Test func compareMeasuresAndDraws() throws {
            try train("triplet")
            try train("siamese-contrastive", output: "\(workspace.path)/other")
            let runs = [workspace.output, "\(workspace.path)/other"]
            let outcome = try succeed(["compare"] + runs + ["--output", "\(workspace.path)/both"])
            for word in ["5-NN", "MAP@R", "recall@1", "AUC", "picture "] { #expect(outcome.output.contains(word)) }
            #expect(workspace.names(in: "both") == ["comparison-embeddings.png", "comparison-losses.png"])
            let text = try succeed(["compare"] + runs + ["--json"]).output
            let found = try #require(try JSONValue(parsing: Array(text.utf8))["runs"]?.array)
            #expect(found.compactMap { $0["network"]?.string } == ["triplet", "siamese-contrastive"])
            // The same figures as `evaluate`.
            let alone = try succeed([
                "evaluate", workspace.output, "FashionMNIST", "--data", workspace.data, "--json", "--no-pictures",
            ])
            let single = try JSONValue(parsing: Array(alone.output.utf8))
            #expect(found[0]["evaluation"]?["knn_accuracy"] == single["knn"]?["accuracy"])
            #expect(found[0]["evaluation"]?["map_at_r"] == single["retrieval"]?["map_at_r"])
            #expect(found[0]["evaluation"]?["auc"] == single["verification"]?["auc"])
            let report = try workspace.report("output/triplet-FashionMNIST-run.json")
            #expect(found[0]["epochs"]?.array?.last?["test"] == report["final_test_loss"])
        }

        @Test func exportWritesBesideTheModel() throws {
            try train("triplet")
            let outcome = try succeed(["export", workspace.output])
            #expect(outcome.output == "wrote \(workspace.output)/triplet-FashionMNIST-model.onnx\n")
            let first = try workspace.read("output/triplet-FashionMNIST-model.onnx")
            // IR version 8, then the producer.
            #expect(first.prefix(11).elementsEqual([8, 8, 0x12, 7] + Array("siamese".utf8)))
            _ = try succeed(["export", workspace.output, "--output", "\(workspace.path)/b.onnx"])
            #expect(try workspace.read("b.onnx") == first)
            try expectRefusal(
                ["export", workspace.output, "--with-head"], in: workspace, code: 64,
                naming: ["--with-head", "triplet"])
            try expectRefusal(
                ["export", "\(workspace.output)/triplet-FashionMNIST-checkpoint.safetensors"], in: workspace, code: 65,
                naming: ["checkpoint"])
            try expectRefusal(
                ["export", workspace.output, "--output", "/nowhere/a.onnx"], in: workspace, code: 73,
                naming: ["/nowhere"])
        }

        /// What `train` writes of the two terms of vae's loss adds up, in training too.
        @Test func trainingTermsOfTheAutoencoderAreReported() throws {
            try train("vae")
            let lines = try workspace.read("output/vae-FashionMNIST-metrics.jsonl").split(separator: UInt8(ascii: "\n"))
            for line in try lines.map({ try MetricsLine(decoding: Array($0)) }) {
                let terms = try #require(line.terms)
                #expect(terms.divergence > 0, "step \(line.step), \(line.split)")
            }
        }

        @Test(arguments: [
            WrongUse("export", naming: "model"),
            WrongUse("export", "x", "--format", "tflite", naming: "tflite", "onnx"),
            WrongUse("plot", naming: "run"), WrongUse("plot", "x", "--size", "big", naming: "big"),
            WrongUse("plot", "x", "--size", "10x10", naming: "--size"),
            WrongUse("plot", "x", "--format", "gif", naming: "gif", "svg"),
            WrongUse("plot", "x", "--palette", "pink", naming: "pink", "okabe-ito"),
            WrongUse("compare", naming: "run"), WrongUse("compare", "x", "--columns", "0", naming: "--columns"),
            WrongUse("compare", "x", "--k", "0", naming: "--k"),
            WrongUse("compare", "x", "--dataset", "CIFAR", naming: "CIFAR"),
        ])
        func wrongUseIsRefused(use: WrongUse) throws {
            try expectRefusal(use.arguments, in: workspace, code: 64, naming: use.words)
        }
    }
}
