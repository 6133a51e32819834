// A model file that is to be used: its weights, and what network they are of. Training is elsewhere.
internal import Artifacts
package import Evaluation
package import ModelCore
package import Storage

/// A trained network.
package struct TrainedModel: Sendable {
    package let path: String
    package let network: NetworkDescription
    package let parameters: ParameterBuffer
    /// SHA-256 of the model file.
    package let digest: SHA256.Digest
    /// How the network is called: one without a head may be any of several, and without a run.json nobody knows.
    package let name: String
    /// The dataset it was trained on, if its run.json says so.
    package let dataset: String?
    /// The distance it was trained for, if its run.json says so.
    package let distance: Distance?
    /// Classes it was not shown in training, if its run.json says so.
    package let excludedClasses: [UInt8]
    /// What the user should be told, a line each.
    package let notes: [String]

    static let suffix = "model.safetensors"
    /// The largest network there is takes a hundredth of it.
    private static let greatestSize = 1 << 28

    /// - Parameter place: the model file, or a folder that has exactly one `…-model.safetensors`
    package init(at place: String) throws(RunFailure) {
        let path = isFolder(place) ? try onlyFile(Self.suffix, in: place) : place
        let bytes: [UInt8]
        do { bytes = try readFile(at: path, atMost: Self.greatestSize) } catch {
            throw RunFailure(.badData, "\(error)")
        }
        let content: Safetensors
        do { content = try Safetensors(decoding: bytes, file: path) } catch { throw RunFailure(error) }
        let candidates = Self.networks(that: content)
        guard let first = candidates.first else { throw Self.unknown(path, content) }
        digest = SHA256.digest(of: bytes)
        let report = try RunDescription(besideModel: path)
        var (network, notes) = (first, [String]())
        if let report {
            guard let described = candidates.first(where: { report.describes($0) }) else {
                throw RunFailure(
                    .badData,
                    "\(report.path) says \(report.summary), and \(path) holds another network: one of the two does not belong "
                        + "there. Bring the right one, or move run.json away: the model file alone says enough")
            }
            network = NetworkDescription(
                kind: described.kind, architecture: described.architecture,
                latentDimensions: described.latentDimensions, margin: report.margin ?? 1, beta: report.beta ?? 1,
                inBatch: InBatchOptions(
                    distance: report.distance ?? .euclidean, isNormalized: report.isNormalized))
            if let theirs = report.modelDigest, theirs != "\(digest)" {
                notes.append("\(report.path) is of another training (it names a model with SHA-256 \(theirs))")
            }
        }
        self.path = path
        self.network = network
        parameters = Self.parameters(content, of: network)
        name =
            report != nil || candidates.count == 1
            ? network.kind.rawValue : "one of " + candidates.map(\.kind.rawValue).joined(separator: ", ")
        dataset = report?.dataset
        distance = report?.distance
        excludedClasses = report?.excludedClasses ?? []
        self.notes = notes
    }

    /// Where the model's files are, and what their names begin with: "FOLDER/siamese-contrastive-MNIST-".
    package var prefix: String {
        path.hasSuffix(Self.suffix) ? String(path.dropLast(Self.suffix.count)) : path + "-"
    }

    /// The same for files about this dataset: another one than the model was trained on is named too.
    package func prefix(for name: String) -> String {
        dataset == nil || dataset == name ? prefix : prefix + "on-\(name)-"
    }

    /// The folder of the model file.
    package var folder: String { Storage.folder(of: path) }
}

// MARK: - Which network it is

extension TrainedModel {
    /// All networks whose tensors have these names and shapes: several where there is no head.
    private static func networks(that content: Safetensors) -> [NetworkDescription] {
        NetworkKind.allCases.flatMap { kind in
            Architecture.allCases.compactMap { architecture in
                let shortest = ParameterLayout(NetworkDescription(kind: kind, architecture: architecture))
                // The last tensor of the encoder: the bias of the latent layer.
                guard let latent = shortest.slices.last(where: { $0.name.hasPrefix("embedding.encoder.") }),
                    let shape = content[latent.name]?.shape, shape.count == 1, (1...4096).contains(shape[0])
                else { return nil }
                let network = NetworkDescription(
                    kind: kind, architecture: architecture, latentDimensions: shape[0])
                return matches(content, ParameterLayout(network)) ? network : nil
            }
        }
    }

    private static func matches(_ content: Safetensors, _ layout: ParameterLayout) -> Bool {
        content.tensors.count == layout.slices.count
            && layout.slices.allSatisfy { slice in
                content[slice.name].map { $0.shape == slice.shape && $0.elementType == .f32 } ?? false
            }
    }

    private static func parameters(_ content: Safetensors, of network: NetworkDescription) -> ParameterBuffer {
        let layout = ParameterLayout(network)
        let buffer = ParameterBuffer(count: layout.paddedCount)
        for slice in layout.slices {
            for (index, value) in (content[slice.name]?.elements(as: Float.self) ?? []).enumerated() {
                buffer.floats[slice.offset + index] = value
            }
        }
        return buffer
    }

    private static func unknown(_ path: String, _ content: Safetensors) -> RunFailure {
        if content.metadata["format"]?.hasPrefix("siamese-checkpoint") == true {
            return RunFailure(
                .badData,
                "\(path) is a checkpoint of a run that goes on. Name its …-\(suffix), which a finished run leaves beside it"
            )
        }
        return RunFailure(
            .badData,
            "\(path) holds no network of this program: \(content.tensors.count) tensors, none of the known sets of names and "
                + "shapes. Name a …-\(suffix) that siamese train has written")
    }
}
