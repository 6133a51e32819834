// The vectors that a search looks through: embedded now, or mapped from an index file that an earlier search left.
internal import Datasets
internal import Evaluation
internal import ModelCore
internal import Storage

/// Prepared vectors of one set of a dataset, and their classes.
struct SearchIndex {
    let panels: VectorPanels
    let labels: [UInt8]
    /// What became of the index file, a line; nil without one.
    let note: String?

    /// - Parameter path: of the index file; where there is none yet, it is made
    init(
        _ model: TrainedModel, _ dataset: Dataset, _ split: Split, _ distance: Distance, path: String?, threads: Int
    ) throws(RunFailure) {
        let images = dataset[split]
        let identity = IndexIdentity(
            model: model.digest.bytes, dataset: dataset.digest.bytes, isTest: split == .test,
            isNormalized: distance == .cosine, dimensions: model.network.latentDimensions, count: images.count)
        if let path, sizeOfFile(at: path) != nil {
            (panels, labels) = try Self.open(path, expecting: identity)
            note = "\(path) has the vectors already"
            return
        }
        let vectors = distance.prepared(model.embed(images, threads: threads))
        panels = VectorPanels(vectors)
        labels = vectors.labels
        guard let path else {
            note = nil
            return
        }
        let parts = IndexFormat.encode(identity, panels, labels: labels)
        let bytes = parts.header + panels.withBytes { Array($0) } + parts.labels
        do { try replaceFile(at: path, with: bytes) } catch { throw RunFailure(error) }
        note = "\(path) keeps the vectors for the next search: \(bytes.count) bytes"
    }

    private static func open(
        _ path: String, expecting identity: IndexIdentity
    ) throws(RunFailure) -> (VectorPanels, [UInt8]) {
        let file: MappedFile
        do { file = try MappedFile(path: path) } catch { throw RunFailure(.badData, "\(error)") }
        let found: (identity: IndexIdentity, panels: VectorPanels, labels: [UInt8])
        do {
            found = try IndexFormat.decode(file.bytes, owner: file)
        } catch {
            throw RunFailure(
                .badData,
                "\(path) is no index of this program, or not whole: \(error). Name another file with --index, or "
                    + "remove this one and it is made anew")
        }
        let theirs = found.identity
        let difference: String? =
            theirs.model != identity.model
            ? "another model"
            : theirs.dataset != identity.dataset
                ? "another dataset"
                : theirs.isTest != identity.isTest
                    ? "the other set of the dataset"
                    : theirs.isNormalized != identity.isNormalized ? "another --distance" : nil
        if let difference {
            throw RunFailure(
                .badData,
                "\(path) is an index for \(difference): name another file with --index, or remove this one and it is made anew"
            )
        }
        guard theirs == identity else { throw RunFailure(.badData, "\(path) is an index of other vectors: remove it") }
        return (found.panels, found.labels)
    }
}
