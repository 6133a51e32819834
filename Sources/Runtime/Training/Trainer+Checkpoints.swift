// Part of Trainer: when a checkpoint is taken, and how a run goes back to one.
internal import Artifacts
internal import Coordination
internal import Messaging
internal import ModelCore
package import Storage

extension Trainer {
    /// Hands a checkpoint over to the writer when one is due: every so many steps or at the end of an epoch, and every so many
    /// seconds. While it is busy with the last one it waits for a later step, however slow the disk.
    func saveIfDue() {
        let isAtItsStep = configuration.checkpointInterval.map { step % $0 == 0 } ?? schedule.endsEpoch(step)
        let patience = UInt64(configuration.checkpointSeconds) * 1_000_000_000
        let isAtItsTime = patience > 0 && MonotonicClock.now() - lastSave >= patience
        isSaveDue = isSaveDue || isAtItsStep || isAtItsTime || hasUnsavedQuarantine
        // The last step's is written by whoever waits for it.
        guard isSaveDue, step < schedule.totalSteps, !writer.isSaving else { return }
        save()
    }

    private var hasUnsavedQuarantine: Bool { source.ledger.quarantined != savedQuarantine }

    private func save() {
        savedQuarantine = source.ledger.quarantined
        writer.save(snapshot())
        isSaveDue = false
        lastSave = MonotonicClock.now()
    }

    /// The present state, in buffers that nobody writes to: weights never are, the optimizer's moments are copied.
    private func snapshot() -> TrainingState {
        let moments = [adam.firstMoment, adam.secondMoment].map { moment in
            let copy = ParameterBuffer(count: moment.count)
            copy.copy(from: moment)
            return copy
        }
        return TrainingState(
            layout: layout, parameters: parameters,
            adam: Adam(firstMoment: moments[0], secondMoment: moments[1], step: adam.step),
            record: record, frames: frames, ledger: source.ledger)
    }

    /// Waits until all that was handed over is written, and tells what went wrong.
    func awaitWriter() {
        writer.finish()
        tellNews()
    }

    /// Writes a checkpoint of the present state, unless there is one that knows as much, and waits for it and all that was to be
    /// written before.
    ///
    /// - Returns: why that failed
    package func saveNow() -> FileError? {
        awaitWriter()
        // Before the first step there may be more to lose in the folder than to save.
        guard savedStep != step || isSaveDue || hasUnsavedQuarantine, step > 0 || writer.isEmpty else { return nil }
        save()
        writer.finish()
        return tellNews()
    }

    /// Tells what has become of everything handed over so far; returns why the last checkpoint was not written.
    @discardableResult
    func tellNews() -> FileError? {
        var failure: FileError?
        for news in writer.news() {
            if let line = warnings.line(for: news) { display.say(line) }
            if case .notSaved(_, let error) = news { failure = error }
            if case .saved = news { failure = nil }
        }
        return failure
    }

    /// Goes back to the newest state before the step in question: that of a checkpoint, or the one before the first step.
    func goBack(_ request: GoBack) throws {
        nextInput = nil
        // What is void was never committed.
        guard request.step <= step else {
            display.say("step \(request.step) is done again: \(request.reason)")
            // For whoever was found out, a killed coordinator's successor must not let in.
            if hasUnsavedQuarantine { _ = saveNow() }
            return
        }
        awaitWriter()
        let found: BackgroundWriter.StateToGoOnFrom
        do {
            found = try writer.goBack(
                before: request.step, beginning: TrainingState(configuration), ledger: source.ledger)
        } catch let error as FileError {
            throw RunFailure(
                .cannotCreateOutput,
                "\(request.reason), and checkpoints that hold this cannot be replaced: \(error) Remove them by hand",
                leavesCheckpointsAlone: true)
        }
        let state = found.state
        display.say("going back from step \(step) to step \(state.step): \(request.reason)")
        parameters = state.parameters
        adam = state.adam
        record = state.record
        frames = state.frames
        warnings.goneBack(to: found.savedStep)
        savedQuarantine = state.ledger.quarantined
        isSaveDue = !found.isLedgerSaved
        tellNews()
    }
}
