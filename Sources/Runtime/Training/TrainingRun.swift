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
        // Workers come up while the dataset is read.
        let crew = try Crew(configuration, environment: environment, signals: signals, display: display)
        do {
            return try run(with: crew)
        } catch {
            crew.dismiss(.stopped)
            throw error
        }
    }

    private func run(with crew: Crew) throws -> TrainingOutcome {
        let dataset = try loadDataset()
        let examples = try ExampleSource(dataset, configuration)
        // Only now, so that a run that cannot begin leaves nothing behind.
        let folder = try RunFolder(configuration)
        let trainer = try Trainer(
            configuration, dataset: dataset, examples: examples, state: startingState(dataset, folder),
            folder: folder, crew: crew, display: display)
        var report = RunReport(configuration: configuration, dataset: dataset)
        do {
            try crew.gather()
            try folder.write(report.json.pretty(), to: folder.report)
            try trainer.run()
        } catch let request as StopRequest {
            display.finish()
            try trainer.writeCheckpoint()
            throw RunFailure(
                stoppedBy: request.signal,
                "stopped after step \(trainer.step) of \(trainer.schedule.totalSteps); checkpoint in "
                    + "\(folder.checkpoint). Go on with --resume")
        }
        report.workers = crew.workerMemory
        report.secondsToFirstStep = trainer.timing.secondsToFirstStep
        crew.dismiss(.finished)
        return try finish(trainer, report, folder)
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
            downloader: Downloader(environment: environment, showsProgress: isatty(STDERR_FILENO) == 1))
        let dataset = try loader.load()
        for note in dataset.notes { display.say("note: \(note)") }
        return dataset
    }

    private func startingState(_ dataset: Dataset, _ folder: RunFolder) throws -> TrainingState {
        guard configuration.resume else { return TrainingState(configuration) }
        let (checkpoint, note) = try folder.readCheckpoint()
        if let note { display.say("note: \(note)") }
        let state = try TrainingState(checkpoint, configuration, datasetDigest: "\(dataset.digest)")
        display.say("resuming after step \(state.step)")
        return state
    }
}
