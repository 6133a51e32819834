// Model files: which network they are of, with a run.json beside them and without.
import Artifacts
import Evaluation
import Foundation
import ModelCore
import Runtime
import Storage
import Testing

@Suite final class TrainedModelTests {
    private let folder = NSTemporaryDirectory() + "siamese-model-" + UUID().uuidString

    init() throws { try createFolder(at: folder) }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func bytes(of network: NetworkDescription, dropping name: String? = nil) -> [UInt8] {
        let layout = ParameterLayout(network)
        let parameters = layout.initialParameters(seed: 7)
        return Safetensors(
            tensors: layout.slices.filter { $0.name != name }.map { slice in
                let values = (0..<slice.count).map { parameters.floats[slice.offset + $0] }
                return Safetensors.Tensor(name: slice.name, shape: slice.shape, floats: values)
            }
        ).encoded()
    }

    private func write(_ bytes: [UInt8], _ name: String) throws -> String {
        try replaceFile(at: "\(folder)/\(name)", with: bytes)
        return "\(folder)/\(name)"
    }

    @Test func namesAndShapesSayWhichNetworkItIs() throws {
        for kind in NetworkKind.allCases {
            for architecture in Architecture.allCases {
                for dimensions in [1, 2, 17] {
                    let network = NetworkDescription(
                        kind: kind, architecture: architecture, latentDimensions: dimensions)
                    let model = try TrainedModel(at: try write(bytes(of: network), "a.safetensors"))
                    #expect(model.network.architecture == architecture)
                    #expect(model.network.latentDimensions == dimensions)
                    // All that are nothing but an encoder have the same tensors.
                    let isOwn =
                        kind == .embeddingClassification || kind == .siameseBinaryCrossEntropy
                        || kind == .variationalAutoencoder
                    #expect(
                        isOwn
                            ? model.name == kind.rawValue
                            : model.name.hasPrefix("one of ") && model.name.contains(kind.rawValue))
                    let expected = ParameterLayout(network).initialParameters(seed: 7)
                    #expect(model.parameters.bytes.elementsEqual(expected.bytes))
                }
            }
        }
    }

    @Test func aRunDescriptionSaysMore() throws {
        let network = NetworkDescription(kind: .triplet, latentDimensions: 3)
        let path = try write(bytes(of: network), "triplet-MNIST-model.safetensors")
        let report: JSONValue = [
            "configuration": [
                "network": "triplet", "architecture": "seed", "latent_dims": 3, "margin": 0.5, "dataset": "MNIST",
                "distance": "cosine", "exclude_classes": [7, 8],
            ], "model_sha256": "00",
        ]
        _ = try write(report.pretty(), "triplet-MNIST-run.json")
        // The folder has exactly one model.
        let model = try TrainedModel(at: folder)
        #expect(model.path == path && model.name == "triplet" && model.network.kind == .triplet)
        #expect(model.network.margin == 0.5 && model.dataset == "MNIST" && model.distance == .cosine)
        #expect(model.excludedClasses == [7, 8])
        #expect(model.notes.count == 1, "the digest is another")
        #expect(model.prefix == "\(folder)/triplet-MNIST-" && model.prefix(for: "MNIST") == model.prefix)
        #expect(model.prefix(for: "FashionMNIST") == "\(folder)/triplet-MNIST-on-FashionMNIST-")
    }

    @Test func whatDoesNotFitIsRefusedWithARemedy() throws {
        let network = NetworkDescription(kind: .siameseContrastive)
        func refusal(_ place: String) throws -> String {
            let failure = try #require(throws: RunFailure.self) { try TrainedModel(at: place) }
            #expect(failure.code == 65)
            return failure.description
        }
        #expect(try refusal("\(folder)/no").contains("Check the path"))
        #expect(try refusal(folder).contains("no …-model.safetensors"))
        let part = try write(bytes(of: network, dropping: "embedding.encoder.9.bias"), "part.safetensors")
        #expect(try refusal(part).contains("no network of this program"))
        #expect(try refusal(try write([1, 2, 3], "x.safetensors")).contains("only 3 bytes"))
        let model = try write(bytes(of: network), "a-model.safetensors")
        let other: JSONValue = ["configuration": ["network": "siamese-contrastive", "latent_dims": 5]]
        _ = try write(other.pretty(), "a-run.json")
        #expect(try refusal(model).contains("holds another network"))
        _ = try write(Array("{".utf8), "a-run.json")
        #expect(try refusal(model).contains("a-run.json is damaged, byte 1"))
        _ = try write(bytes(of: network), "b-model.safetensors")
        #expect(try refusal(folder).contains("a-model.safetensors, b-model.safetensors"))
    }
}
