// `train` and `coordinator` from beginning to end: output folder, workers, dataset, resume, training, artefacts, and the way out when
// something stops it.
internal import Artifacts
internal import Coordination
internal import Datasets
internal import Glibc
internal import Messaging
internal import Storage

/// What a finished run tells on standard output.
package struct TrainingOutcome: Sendable {
    package let modelPath: String
    package let modelDigest: String
}

/// Trains and leaves all files of the run behind.
///
/// - Parameters:
///   - environment: of the process; for `SIAMESE_DATA`, the cache folder, `TMPDIR` and the workers
///   - display: where progress is shown
/// - Throws: `RunFailure`. A checkpoint has been written when a signal stopped the run.
package func train(
    _ configuration: TrainingConfiguration, environment: [String: String], display: ProgressDisplay
) throws(RunFailure) -> TrainingOutcome {
    do {
        return try TrainingRun(configuration, environment: environment, display: display).run()
    } catch {
        display.finish()
        throw RunFailure(error)
    }
}

private struct TrainingRun {
    private let configuration: TrainingConfiguration
    private let environment: [String: String]
    private let display: ProgressDisplay
    private let signals: SignalWatch
    private let began = MonotonicClock.now()

    init(
        _ configuration: TrainingConfiguration, environment: [String: String], display: ProgressDisplay
    ) throws {
        self.configuration = configuration
        self.environment = environment
        self.display = display
        signals = try SignalWatch()
    }

    func run() throws -> TrainingOutcome {
        // On this machine workers come up while the dataset is read; from elsewhere they would wait in vain.
        var dataset: Dataset?
        if case .remote = configuration.workforce { dataset = try loadDataset() }
        let crew = try Crew(configuration, environment: environment, signals: signals, display: display)
        do {
            return try run(with: crew, on: dataset ?? loadDataset())
        } catch {
            crew.dismiss(.stopped)
            throw error
        }
    }

    private func run(with crew: Crew, on dataset: Dataset) throws -> TrainingOutcome {
        let examples = try RunExamples(dataset, configuration)
        let trace = try configuration.trace.map { try StepTrace(path: $0, complain: display.say) }
        defer { trace?.finish() }
        // Only now, so that a run that cannot begin leaves nothing behind.
        let folder = try RunFolder(configuration)
        let trainer = try Trainer(
            configuration, dataset: dataset, examples: examples, state: startingState(dataset, folder),
            folder: folder, crew: crew, display: display, trace: trace)
        var report = RunReport(configuration: configuration, dataset: dataset)
        do {
            try crew.gather()
            try folder.write(report.json.pretty(), to: folder.report)
            try trainer.run()
            report.workers = crew.workerMemory
            report.secondsToFirstStep = trainer.timing.secondsToFirstStep
            crew.dismiss(.finished)
            return try finish(trainer, report, folder)
        } catch {
            display.finish()
            throw try save(trainer, folder, after: error)
        }
    }

    /// Whatever ended the run, its state is that of the last complete step. Returns the failure to tell.
    private func save(_ trainer: Trainer, _ folder: RunFolder, after error: any Error) throws -> RunFailure {
        guard let request = error as? StopRequest else {
            try? trainer.writeCheckpoint()
            return RunFailure(error)
        }
        try trainer.writeCheckpoint()
        let place = "stopped after step \(trainer.step) of \(trainer.schedule.totalSteps)"
        guard trainer.checkpointedStep == trainer.step else { return RunFailure(stoppedBy: request.signal, place) }
        return RunFailure(
            stoppedBy: request.signal, "\(place); checkpoint in \(folder.checkpoint). Go on with --resume")
    }

    private func finish(_ trainer: Trainer, _ report: RunReport, _ folder: RunFolder) throws -> TrainingOutcome {
        let artefacts = RunArtefacts(trainer: trainer, folder: folder)
        let record = try trainer.finalRecord()
        let digest = try artefacts.writeModel()
        try artefacts.writePlots(record)
        var report = report
        report.totals = RunReport.Totals(
            steps: trainer.step, seconds: Double(MonotonicClock.now() - began) * 1e-9,
            trainingSeconds: trainer.timing.seconds, imagesPerSecond: trainer.timing.imagesPerSecond,
            finalTrainLoss: record.epochs.last?.trainLoss, finalTestLoss: record.epochs.last?.testLoss,
            modelDigest: digest, peakResidentBytes: Machine.peakResidentBytes(of: getpid()))
        try folder.write(report.json.pretty(), to: folder.report)
        return TrainingOutcome(modelPath: folder.model, modelDigest: digest)
    }

    private func loadDataset() throws -> Dataset {
        let loader = DatasetLoader(
            .published(configuration.dataset),
            places: DatasetPlaces(data: configuration.data, environment: environment),
            downloader: Downloader(
                environment: environment, showsProgress: isatty(STDERR_FILENO) == 1,
                isCancelled: { SignalWatch.received != nil }))
        let dataset: Dataset
        do {
            dataset = try loader.load()
        } catch {
            guard let signal = signals.received else { throw error }
            throw RunFailure(stoppedBy: signal, "stopped while the dataset was read")
        }
        for note in dataset.notes { display.say("note: \(note)") }
        return dataset
    }

    private func startingState(_ dataset: Dataset, _ folder: RunFolder) throws -> TrainingState {
        guard configuration.resume else {
            if folder.hasCheckpoint {
                display.say(
                    "note: starting anew; the checkpoint in \(configuration.output) will be replaced (--resume goes on)"
                )
            }
            return TrainingState(configuration)
        }
        let (checkpoint, note) = try folder.readCheckpoint()
        if let note { display.say("note: \(note)") }
        let state = try TrainingState(checkpoint, configuration, datasetDigest: "\(dataset.digest)")
        display.say("resuming after step \(state.step)")
        return state
    }
}
