// The disk's own thread: lines of metrics.jsonl and checkpoints, written in the order in which training hands them over, so that
// training never waits for a disk. A failure is news, not an end. When to write, and what to say about it, is decided elsewhere.
package import Coordination
internal import Dispatch
package import Storage
internal import Synchronization

/// What has become of something that was handed to the `BackgroundWriter`.
package enum WriterNews: Equatable, Sendable {
    case saved(step: Int)
    case notSaved(step: Int, FileError)
    /// So many lines of metrics.jsonl are lost so far; told at the first and with every checkpoint.
    case losingLines(Int, FileError)
    case writingLinesAgain(lost: Int)
    /// They are in the file, but a power cut may take some.
    case linesNotSynced(FileError)
}

/// Writes in the background, one thing at a time.
///
/// A checkpoint knows how long metrics.jsonl is at its step: what was appended before it is on the disk when it is. Where that
/// cannot be done the checkpoint is written all the same, for the weights are worth more than the lines.
package final class BackgroundWriter: Sendable {
    private struct Files: ~Copyable {
        var checkpoints: CheckpointStore
        var metrics: LineFile?
        var lostLines = 0
        var lastLoss: FileError?
    }

    private let queue = DispatchQueue(label: "siamese.writer")
    /// Touched on the queue only, which does one thing at a time.
    private nonisolated(unsafe) var files: Files
    private let newsToTell = Mutex<[WriterNews]>([])
    private let checkpointsInHand = Atomic<Int>(0)
    private let codec: CheckpointCodec
    private let metricsPath: String

    package init(_ checkpoints: CheckpointStore, _ codec: CheckpointCodec, metricsPath: String) {
        files = Files(checkpoints: checkpoints)
        self.codec = codec
        self.metricsPath = metricsPath
    }

    /// A checkpoint is being written.
    package var isSaving: Bool { checkpointsInHand.load(ordering: .acquiring) > 0 }

    /// There is no checkpoint yet, not even of an earlier run.
    var isEmpty: Bool { onQueue { $0.checkpoints.isEmpty } }

    /// What has happened since the last call.
    package func news() -> [WriterNews] {
        newsToTell.withLock { news in
            defer { news.removeAll(keepingCapacity: true) }
            return news
        }
    }

    // MARK: Handing over

    /// Opens metrics.jsonl, cut to what belongs to the steps so far (or to whatever is left of it if somebody has shortened it).
    package func openMetrics(after length: Int) throws {
        try onQueue { files in try openMetrics(after: length, &files) }
    }

    /// A line for metrics.jsonl. Lost if it cannot be written.
    package func append(_ line: String) {
        queue.async { [self] in append(line, to: &files) }
    }

    /// A checkpoint. Nobody may change the state's buffers from now on.
    package func save(_ state: TrainingState) {
        checkpointsInHand.wrappingAdd(1, ordering: .relaxed)
        queue.async { [self] in
            save(state, in: &files)
            checkpointsInHand.wrappingSubtract(1, ordering: .releasing)
        }
    }

    /// Returns when everything that was handed over is written, or has failed.
    package func finish() { onQueue { _ in } }

    // MARK: Going back

    /// The newest state before step `step` that is on the disk, or the beginning; written anew with the ledger of today, so that a
    /// worker that was found out just now is not let in by whoever goes on from it. Later checkpoints hold steps that are to be
    /// forgotten: when this returns, no process can find them any more.
    ///
    /// - Parameter beginning: the state before the first step
    package func goBack(before step: Int, beginning: TrainingState, ledger: Ledger) throws -> StateToGoOnFrom {
        try onQueue { files in
            let reading = try? files.checkpoints.read(atMost: CheckpointCodec.greatestSize) { bytes, path in
                // Of another run: as good as none.
                guard case .whole(let state)? = try? codec.look(bytes, path), state.step < step else {
                    return CheckpointStore.Finding<TrainingState>.damaged(reason: "of step \(step) or later")
                }
                return .whole(state)
            }
            var state = reading?.content ?? beginning
            state.ledger = ledger
            var failure: FileError?
            if reading?.path == files.checkpoints.newest {
                do throws(FileError) { try files.checkpoints.amend(with: codec.encode(state)) } catch {
                    failure = error
                }
            } else {
                failure = try files.checkpoints.supersede(
                    with: codec.encode(state), sparingPrevious: reading?.path == files.checkpoints.previous)
            }
            if let failure { tell(.notSaved(step: state.step, failure)) }
            try openMetrics(after: state.record.metricsLength, &files)
            return StateToGoOnFrom(
                state: state, savedStep: failure == nil || reading != nil ? state.step : nil,
                isLedgerSaved: failure == nil)
        }
    }

    /// Where `goBack` has led.
    package struct StateToGoOnFrom {
        package let state: TrainingState
        /// The step of the newest checkpoint on the disk; nil: there is none.
        package let savedStep: Int?
        /// Whether it knows who was found out.
        package let isLedgerSaved: Bool
    }

    // MARK: On the queue

    private func onQueue<Result>(_ body: (inout Files) throws -> Result) rethrows -> Result {
        try queue.sync { try body(&files) }
    }

    private func openMetrics(after length: Int, _ files: inout Files) throws {
        files.metrics = try LineFile(path: metricsPath, resumingAt: min(length, sizeOfFile(at: metricsPath) ?? 0))
    }

    private func append(_ line: String, to files: inout Files) {
        do {
            try files.metrics?.append(line)
            guard files.lastLoss != nil else { return }
            tell(.writingLinesAgain(lost: files.lostLines))
            (files.lostLines, files.lastLoss) = (0, nil)
        } catch {
            files.lostLines += 1
            if files.lastLoss == nil { tell(.losingLines(files.lostLines, error)) }
            files.lastLoss = error
        }
    }

    private func save(_ state: TrainingState, in files: inout Files) {
        do { try files.metrics?.sync() } catch { tell(.linesNotSynced(error)) }
        if let loss = files.lastLoss { tell(.losingLines(files.lostLines, loss)) }
        var state = state
        if let length = files.metrics?.byteCount { state.record.metricsLength = length }
        do {
            try files.checkpoints.write(codec.encode(state))
            tell(.saved(step: state.step))
        } catch {
            tell(.notSaved(step: state.step, error))
        }
    }

    private func tell(_ news: WriterNews) { newsToTell.withLock { $0.append(news) } }
}
