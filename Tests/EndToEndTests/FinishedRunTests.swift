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

        /// Every picture of two networks in every format, of its own size and of another, in two palettes.
        @Test(arguments: ["triplet", "vae"], ["svg", "pdf"])
        func plotDrawsLinesAndLetters(network: String, format: String) throws {
            try train(network, "--animation")
            func plot(_ folder: String, _ more: String...) throws -> [String: DrawnPicture] {
                let arguments = [
                    "plot", workspace.output, "--output", "\(workspace.path)/\(folder)", "--format", format,
                ]
                _ = try succeed(arguments + more)
                #expect(workspace.names(in: folder).count { $0.hasSuffix(".gif") } == 1)
                let names = workspace.names(in: folder).filter { $0.hasSuffix(".\(format)") }
                return try names.reduce(into: [:]) {
                    $0[$1] = try DrawnPicture(workspace.read("\(folder)/\($1)"), format: format)
                }
            }
            let own = try plot("own")
            let kinds =
                ["stats", "testing-set-embedding", "training-set-embedding"]
                + (network == "vae" ? ["manifold", "reconstructions"] : [])
            #expect(Set(own.keys) == Set(kinds.map { "\(network)-FashionMNIST-\($0).\(format)" }))
            for (name, picture) in own {
                #expect(picture.width >= 480 && picture.height >= 360, "\(name)")
                // Few points are drawn one by one; the images of an autoencoder are images.
                let hasImages = name.contains("manifold") || name.contains("reconstructions")
                #expect((picture.bitmaps > 0) == hasImages, "\(name)")
            }
            let other = try plot("other", "--size", "900x500", "--palette", "okabe-ito")
            #expect(Set(other.keys) == Set(own.keys))
            for (name, picture) in other { #expect(picture.width == 900 && picture.height == 500, "\(name)") }
            let again = try plot("again", "--size", "900x500")
            for name in again.keys where name.contains("embedding") || name.contains("stats") {
                #expect(
                    try workspace.read("again/\(name)") != workspace.read("other/\(name)"), "\(name) has one palette")
            }
            let runs = [workspace.output, workspace.output]
            _ = try succeed(["compare"] + runs + ["--output", "\(workspace.path)/compared", "--format", format])
            let names = workspace.names(in: "compared")
            #expect(names == ["comparison-embeddings.\(format)", "comparison-losses.\(format)"])
            for name in names { _ = try DrawnPicture(workspace.read("compared/\(name)"), format: format) }
        }

        @Test func plotKnowsSizes() throws {
            try train("vae", "--animation")
            _ = try succeed(["plot", workspace.output, "--output", "\(workspace.path)/small", "--size", "500x400"])
            for name in workspace.names(in: "small") {
                let bytes = try workspace.read("small/\(name)")
                // Of a PNG, with two pixels per point, big-endian at 16; of a GIF, with one, little-endian at 6.
                if name.hasSuffix(".gif") {
                    #expect(Array(bytes[6..<10]) == [0xF4, 1, 0x90, 1], "\(name)")
                } else {
                    #expect(Array(bytes[16..<24]) == [0, 0, 0x03, 0xE8, 0, 0, 0x03, 0x20], "\(name)")
                }
            }
            #expect(workspace.names(in: "small").count == 6)
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
