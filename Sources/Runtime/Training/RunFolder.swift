// The files of a run: their names, and writing them whole.
internal import Artifacts
internal import Datasets
internal import Glibc
internal import ModelCore
package import Storage

/// The output folder, where all files of a run share a prefix. Held for one run at a time.
package final class RunFolder {
    private let path: String
    private let prefix: String
    private let lock: LockHolder
    package private(set) var checkpoints: CheckpointStore

    /// Creates the folder if it is missing; throws if it cannot be written, if another run is at work on these files, or if
    /// there is nothing in it to resume.
    package init(_ configuration: TrainingConfiguration) throws {
        path = configuration.output
        prefix = "\(configuration.network.kind.rawValue)-\(configuration.dataset.rawValue)-"
        checkpoints = CheckpointStore(
            newest: "\(path)/\(prefix)checkpoint.safetensors",
            previous: "\(path)/\(prefix)checkpoint.previous.safetensors")
        guard configuration.beginning != .resuming || !checkpoints.isEmpty else {
            throw RunFailure(
                .badData,
                "cannot resume: there is no \(checkpoints.newest). Name the folder of the run with --output, or start "
                    + "without --resume")
        }
        try createFolder(at: path)
        do {
            lock = LockHolder(try FileLock(path: "\(path)/.\(prefix)lock"))
        } catch {
            throw RunFailure(.cannotCreateOutput, "\(error)")
        }
    }

    /// Removes the half-written files of a killed run; nobody else is at work here. Not before it is sure that this run begins:
    /// where no checkpoint is whole, what stands there may be all that is left.
    func removeLeftovers() {
        for name in namesInFolder(path)
        where name.hasSuffix(".tmp") && (name.hasPrefix(prefix) || name.hasPrefix(".\(prefix)")) {
            removeFile(at: "\(path)/\(name)")
        }
    }

    func file(_ name: String) -> String { "\(path)/\(prefix)\(name)" }

    var stats: String { file("stats.png") }
    var trainingEmbedding: String { file("training-set-embedding.png") }
    var testingEmbedding: String { file("testing-set-embedding.png") }
    var animation: String { file("latent-space-development.gif") }
    var reconstructions: String { file("reconstructions.png") }
    var manifold: String { file("manifold.png") }
    var model: String { file("model.safetensors") }
    package var metrics: String { file("metrics.jsonl") }
    var report: String { file("run.json") }

    private var epoch: String { "\(path)/.\(prefix)epoch" }

    func write(_ bytes: [UInt8], to path: String) throws { try replaceFile(at: path, with: bytes) }

    /// The state in the newest whole checkpoint and a line about one that had to be passed over; nil if there is no checkpoint.
    ///
    /// When none is whole there is nothing to go on from, also if workers are alive: they hold weights, and not the optimizer's
    /// moments, the losses so far or the animation. To rebuild a state without them would be to guess.
    package func readState(_ codec: CheckpointCodec) throws -> (state: TrainingState, note: String?)? {
        do {
            guard
                let reading = try checkpoints.read(atMost: CheckpointCodec.greatestSize, { try codec.look($0, $1) })
            else { return nil }
            let note = reading.passedOver.map { "\($0); going on from \(reading.path), step \(reading.content.step)" }
            return (reading.content, note)
        } catch let error as NoWholeCheckpoint {
            throw RunFailure(
                .badData,
                "cannot resume: \(error). No checkpoint is whole, and workers hold the weights only: bring one back from a "
                    + "backup, or start anew without --resume and --restartable")
        }
    }

    /// The next start of the job in this folder, on the disk when this returns; and a line about a file that was of no use.
    ///
    /// - Parameter isNew: begin a new job, whatever is there
    package func beginEpoch(isNew: Bool) throws -> (epoch: RunEpoch, note: String?) {
        var (next, note) = (RunEpoch.first(), String?.none)
        if !isNew {
            if let last = (try? readFile(at: epoch, atMost: 4096)).flatMap(RunEpoch.init(decoding:)) {
                next = last.next
            } else {
                note =
                    "\(epoch) is \(isReadable(epoch) ? "damaged" : "missing"): this counts as a new job, and workers that "
                    + "still wait for the old one will not know it"
            }
        }
        try write(next.encoded(), to: epoch)
        return (next, note)
    }
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
