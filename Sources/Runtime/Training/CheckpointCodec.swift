// From a state of training to the bytes of a checkpoint of this run, and back. Which of several files to read, and when to write one, is
// decided elsewhere.
internal import Artifacts
package import Storage

/// The checkpoints of one run.
package struct CheckpointCodec: Sendable {
    /// No checkpoint of any network here comes near; a file that does is damaged.
    static let greatestSize = 1 << 32

    let configuration: TrainingConfiguration
    let datasetDigest: String

    package init(_ configuration: TrainingConfiguration, datasetDigest: String) {
        self.configuration = configuration
        self.datasetDigest = datasetDigest
    }

    package func encode(_ state: TrainingState) -> [UInt8] {
        state.checkpoint(configuration, datasetDigest: datasetDigest).encoded(digest: Self.digest)
    }

    /// The state in a file's bytes, or what is wrong with them.
    ///
    /// - Throws: `RunFailure` if the file is whole, but of another run or of another version of this program.
    package func look(_ bytes: [UInt8], _ path: String) throws -> CheckpointStore.Finding<TrainingState> {
        let checkpoint: Checkpoint
        do {
            checkpoint = try Checkpoint(decoding: bytes, file: path, digest: Self.digest)
        } catch {
            guard case .otherFormat = error else { return .damaged(reason: "\(error)") }
            throw RunFailure(.badData, "cannot resume: \(error)")
        }
        return .whole(try TrainingState(checkpoint, configuration, datasetDigest: datasetDigest))
    }

    private static func digest(_ bytes: UnsafeRawBufferPointer) -> String { "\(SHA256.digest(of: bytes))" }
}
