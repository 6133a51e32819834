// What only a run of vae leaves, and `generate`, which goes on from it.
import Artifacts
import Testing

extension EndToEnd {
    @Suite struct Autoencoder {
        static let prefix = "output/vae-FashionMNIST-"

        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        private func path(_ name: String) -> String { "\(workspace.path)/\(name)" }

        private func train(_ more: String...) throws {
            let arguments = training("vae", in: workspace, steps: 20, "--workers", "2")
            _ = try run(["train"] + arguments + more, in: workspace).modelDigest()
        }

        private func isPNG(_ path: String) throws -> Bool { try workspace.read(path).starts(with: Files.pngSignature) }

        @Test(arguments: ["1", "2", "5"]) func aRunLeavesItsPicturesAndBothTerms(dimensions: String) throws {
            try train("--latent-dims", dimensions, "--beta", "0.5")
            for picture in ["stats.png", "reconstructions.png", "manifold.png", "testing-set-embedding.png"] {
                #expect(try isPNG(Self.prefix + picture), "\(picture)")
            }
            let lines = try workspace.read(Self.prefix + "metrics.jsonl").split(separator: UInt8(ascii: "\n"))
            #expect(lines.count > 3)
            for line in try lines.map({ try MetricsLine(decoding: Array($0)) }) {
                let terms = try #require(line.terms)
                #expect(terms.divergence > 0 && terms.reconstruction > terms.divergence)
                #expect(abs(terms.reconstruction + 0.5 * terms.divergence - line.loss) < 1e-9 * line.loss)
            }
        }

        @Test func generateMakesTheSamePictureOfTheSameSeed() throws {
            try train()
            func generate(_ name: String, _ more: String...) throws -> [UInt8] {
                let arguments = [
                    "generate", path(Self.prefix + "model.safetensors"), "--output", path(name), "--count", "9",
                ]
                let outcome = try run(arguments + more, in: workspace)
                #expect(outcome.code == 0 && outcome.output == "wrote \(path(name))\n", "\(outcome.errors)")
                #expect(try isPNG(name))
                return try workspace.read(name)
            }
            let one = try generate("one.png", "--seed", "3")
            #expect(try generate("two.png", "--seed", "3") == one)
            #expect(try generate("three.png", "--seed", "4") != one)
        }

        @Test func generateRefusesWhatItCannotUse() throws {
            _ = try run(["train"] + training("triplet", in: workspace, steps: 2), in: workspace).modelDigest()
            try expectRefusal(
                ["generate", path("output/triplet-FashionMNIST-model.safetensors")], in: workspace, code: 65,
                naming: ["vae", "triplet-FashionMNIST-model.safetensors"])
            try expectRefusal(["generate", path("nothing.safetensors")], in: workspace, code: 65, naming: ["nothing"])
            try workspace.write(Array("not a model".utf8), to: "text")
            try expectRefusal(["generate", path("text")], in: workspace, code: 65, naming: ["text", "safetensors"])
            try train()
            try expectRefusal(
                ["generate", path(Self.prefix + "model.safetensors"), "--output", path("nowhere/picture.png")],
                in: workspace,
                code: 73, naming: ["nowhere"])
        }
    }
}
