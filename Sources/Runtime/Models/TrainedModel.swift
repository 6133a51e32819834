// A model file as a run leaves it: which network it is, found from the names and shapes of its tensors, and its weights.
internal import Artifacts
internal import ModelCore
internal import Storage

/// A network and its weights.
struct TrainedModel {
    /// What does not show in the weights (margin, β, noise) is the default.
    let network: NetworkDescription
    let parameters: ParameterBuffer

    /// No network here comes near; a file that does is something else.
    private static let greatestSize = 1 << 30

    /// - Parameter kinds: which networks will do. Networks of the same tensors cannot be told apart: the first is taken.
    init(path: String, oneOf kinds: [NetworkKind]) throws {
        let bytes: [UInt8]
        do { bytes = try readFile(at: path, atMost: Self.greatestSize) } catch {
            throw RunFailure(.badData, "cannot read the model: \(error)")
        }
        let file = try Safetensors(decoding: bytes, file: path)
        guard let network = Self.network(of: file, oneOf: kinds) else {
            let names = kinds.map(\.rawValue).joined(separator: ", ")
            throw RunFailure(
                .badData,
                "\(path) is not the model of a network that this is for (\(names)): its tensors are others. Name the "
                    + "model.safetensors of such a run")
        }
        self.network = network
        let layout = ParameterLayout(network)
        parameters = ParameterBuffer(count: layout.paddedCount)
        for slice in layout.slices {
            let values = file[slice.name]?.elements(as: Float.self) ?? []
            for (index, value) in values.enumerated() { parameters.floats[slice.offset + index] = value }
        }
    }

    private static func network(of file: Safetensors, oneOf kinds: [NetworkKind]) -> NetworkDescription? {
        for kind in kinds {
            for architecture in Architecture.allCases {
                // The latent layer's name is the same for any number of dimensions, and its bias has one value for each.
                let simplest = ParameterLayout(NetworkDescription(kind: kind, architecture: architecture))
                guard let latent = simplest.encoder.last,
                    let bias = simplest.slices.first(where: { $0.offset == latent.bias }),
                    let dimensions = file[bias.name]?.shape.first, (1...4096).contains(dimensions)
                else { continue }
                let network = NetworkDescription(
                    kind: kind, architecture: architecture, latentDimensions: dimensions)
                if fits(ParameterLayout(network), file) { return network }
            }
        }
        return nil
    }

    private static func fits(_ layout: ParameterLayout, _ file: Safetensors) -> Bool {
        layout.slices.count == file.tensors.count
            && layout.slices.allSatisfy { slice in
                file[slice.name].map { $0.shape == slice.shape && $0.elementType == .f32 } ?? false
            }
    }
}
