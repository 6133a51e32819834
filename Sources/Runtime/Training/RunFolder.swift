// The files of a run: their names, and writing them whole.
internal import Artifacts
internal import Datasets
internal import Glibc
internal import ModelCore
internal import Storage

/// The output folder, where all files of a run share a prefix. Held for one run at a time.
final class RunFolder {
    private let path: String
    private let prefix: String
    private let lock: LockHolder
    /// The checkpoint was found damaged: it must not take the place of the previous one, which is whole.
    private var presentIsDamaged = false

    /// Creates the folder if it is missing; throws if it cannot be written, if another run is at work on these files, or if
    /// there is nothing in it to resume.
    init(_ configuration: TrainingConfiguration) throws {
        path = configuration.output
        prefix = "\(configuration.network.kind.rawValue)-\(configuration.dataset.rawValue)-"
        if configuration.resume { try Self.requireCheckpoint(at: "\(path)/\(prefix)checkpoint") }
        try createFolder(at: path)
        do {
            lock = LockHolder(try FileLock(path: "\(path)/.\(prefix)lock"))
        } catch {
            throw RunFailure(.cannotCreateOutput, "\(error)")
        }
        // What a killed run left behind; nobody else is at work here.
        for name in namesInFolder(path) where name.hasPrefix(prefix) && name.hasSuffix(".tmp") {
            removeFile(at: "\(path)/\(name)")
        }
    }

    /// - Parameter path: of both checkpoints, up to where their names differ.
    private static func requireCheckpoint(at path: String) throws {
        let candidates = ["\(path).safetensors", "\(path).previous.safetensors"]
        guard !candidates.contains(where: { access($0, F_OK) == 0 }) else { return }
        throw RunFailure(
            .badData,
            "cannot resume: there is no \(candidates[0]). Name the folder of the run with --output, or start without "
                + "--resume")
    }

    var hasCheckpoint: Bool { access(checkpoint, F_OK) == 0 }

    func file(_ name: String) -> String { "\(path)/\(prefix)\(name)" }

    var stats: String { file("stats.png") }
    var trainingEmbedding: String { file("training-set-embedding.png") }
    var testingEmbedding: String { file("testing-set-embedding.png") }
    var animation: String { file("latent-space-development.gif") }
    var model: String { file("model.safetensors") }
    var checkpoint: String { file("checkpoint.safetensors") }
    var previousCheckpoint: String { file("checkpoint.previous.safetensors") }
    var metrics: String { file("metrics.jsonl") }
    var report: String { file("run.json") }

    /// metrics.jsonl, cut to what belongs to the steps so far; whatever is left of it if somebody has shortened it.
    func openMetrics(after length: Int) throws -> LineFile {
        try LineFile(path: metrics, resumingAt: min(length, sizeOfFile(at: metrics) ?? 0))
    }

    func write(_ bytes: [UInt8], to path: String) throws { try replaceFile(at: path, with: bytes) }

    /// Writes the checkpoint; the present one, if it is whole, becomes the previous one.
    func write(_ checkpoint: Checkpoint) throws {
        try replaceFile(
            at: self.checkpoint, with: checkpoint.encoded(digest: Self.digest),
            keepingPrevious: presentIsDamaged ? nil : previousCheckpoint)
        presentIsDamaged = false
    }

    /// The newest whole checkpoint, and a line about one that had to be passed over.
    func readCheckpoint() throws -> (checkpoint: Checkpoint, note: String?) {
        do {
            return (try read(checkpoint), nil)
        } catch {
            guard let earlier = try? read(previousCheckpoint) else { throw error }
            presentIsDamaged = true
            return (earlier, "\(error); going on from \(previousCheckpoint), step \(earlier.step)")
        }
    }

    private func read(_ path: String) throws -> Checkpoint {
        let bytes: [UInt8]
        do {
            bytes = try readFile(at: path, atMost: 1 << 32)
        } catch {
            throw RunFailure(.badData, "cannot resume: \(error)")
        }
        return try Checkpoint(decoding: bytes, file: path, digest: Self.digest)
    }

    private static func digest(_ bytes: UnsafeRawBufferPointer) -> String { "\(SHA256.digest(of: bytes))" }
}

/// A class around a lock, which is not copyable.
private final class LockHolder {
    private let lock: FileLock

    init(_ lock: consuming FileLock) { self.lock = lock }
}

/// The bytes of model.safetensors: a function of the weights alone.
func modelFile(_ layout: ParameterLayout, _ parameters: ParameterBuffer) -> [UInt8] {
    let tensors = layout.slices.map { slice in
        Safetensors.Tensor(
            name: slice.name, shape: slice.shape,
            floats: UnsafeBufferPointer(start: parameters.floats + slice.offset, count: slice.count))
    }
    return Safetensors(tensors: tensors).encoded()
}
