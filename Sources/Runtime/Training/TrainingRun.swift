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
///   - environment: of the process; for `SIAMESE_DATA`, the cache folder, `TMPDIR`, the service manager and the workers
///   - display: where progress is shown
/// - Throws: `RunFailure`. A checkpoint has been written when a signal stopped the run.
package func train(
    _ configuration: TrainingConfiguration, environment: [String: String], display: ProgressDisplay
) throws(RunFailure) -> TrainingOutcome {
    let service = ServiceNotifier(environment: environment, complain: display.say)
    if let service { display.mirror = service.tell }
    do {
        let outcome = try TrainingRun(
            configuration, environment: environment, display: display, service: service
        ).run()
        service?.stopping("done")
        return outcome
    } catch {
        display.finish()
        let failure = RunFailure(error)
        service?.stopping(failure.description)
        throw failure
    }
}

private struct TrainingRun {
    private let configuration: TrainingConfiguration
    private let environment: [String: String]
    private let display: ProgressDisplay
    private let service: ServiceNotifier?
    private let signals: SignalWatch
    private let began = MonotonicClock.now()

    init(
        _ configuration: TrainingConfiguration, environment: [String: String], display: ProgressDisplay,
        service: ServiceNotifier?
    ) throws {
        self.service = service
        self.configuration = configuration
        self.environment = environment
        self.display = display
        signals = try SignalWatch()
    }

    func run() throws -> TrainingOutcome {
        try allowOpenFiles(for: configuration.workforce)
        // On this machine workers come up while the dataset is read; from elsewhere they would wait in vain.
        var opening: Opening?
        if case .remote = configuration.workforce { opening = Opening(dataset: try loadDataset()) }
        let crew = try Crew(
            configuration, environment: environment, signals: signals, display: display, service: service
        ) {
            guard let dataset = opening?.dataset else { return .first() }
            let folder = try open(dataset)
            opening?.folder = folder
            let (epoch, note) = try folder.folder.beginEpoch(isNew: configuration.beginning == .anew)
            // Of a run that begins anew it is no news.
            if let note, folder.isResumed { display.say("note: \(note)") }
            return epoch
        }
        do {
            let dataset = try opening?.dataset ?? loadDataset()
            return try run(with: crew, on: dataset, in: opening?.folder ?? open(dataset))
        } catch {
            crew.dismiss(.stopped)
            throw error
        }
    }

    /// What a coordinator has before it answers anybody.
    private struct Opening {
        let dataset: Dataset
        var folder: OpenFolder?
    }

    /// The output folder, locked, and what training begins with.
    private struct OpenFolder {
        let folder: RunFolder
        let examples: RunExamples
        let codec: CheckpointCodec
        let state: TrainingState
        let isResumed: Bool
        let trace: StepTrace?
    }

    /// Called as late as possible, so that a run that cannot begin leaves nothing behind.
    private func open(_ dataset: Dataset) throws -> OpenFolder {
        let examples = try RunExamples(dataset, configuration)
        let trace = try configuration.trace.map { try StepTrace(path: $0, complain: display.say) }
        let folder = try RunFolder(configuration)
        let codec = CheckpointCodec(configuration, datasetDigest: "\(dataset.digest)")
        let resumed = try resumedState(codec, folder)
        folder.removeLeftovers()
        return OpenFolder(
            folder: folder, examples: examples, codec: codec, state: resumed ?? TrainingState(configuration),
            isResumed: resumed != nil, trace: trace)
    }

    private func run(with crew: Crew, on dataset: Dataset, in open: OpenFolder) throws -> TrainingOutcome {
        let folder = open.folder
        defer { open.trace?.finish() }
        crew.shell.trace = open.trace
        crew.shell.ledger = open.state.ledger
        let trainer = Trainer(
            configuration, dataset: dataset, examples: open.examples, state: open.state, isResumed: open.isResumed,
            writer: BackgroundWriter(folder.checkpoints, open.codec, metricsPath: folder.metrics), source: crew,
            display: display, trace: open.trace)
        var report = RunReport(configuration: configuration, dataset: dataset)
        do {
            try crew.gather()
            try folder.write(report.json.pretty(), to: folder.report)
            try trainer.run()
            let unsaved = trainer.saveNow()
            report.workers = crew.workerMemory
            report.secondsToFirstStep = trainer.timing.secondsToFirstStep
            crew.dismiss(.finished)
            return try finish(trainer, report, folder, unsaved)
        } catch {
            display.finish()
            throw save(trainer, folder, after: error)
        }
    }

    /// Whatever ended the run, its state is that of the last complete step. Returns the failure to tell.
    private func save(_ trainer: Trainer, _ folder: RunFolder, after error: any Error) -> RunFailure {
        let failure = RunFailure(error)
        guard !failure.leavesCheckpointsAlone else { return failure }
        let trouble = trainer.saveNow()
        guard let request = error as? StopRequest else { return failure }
        let place = "stopped after step \(trainer.step) of \(trainer.schedule.totalSteps)"
        if let trouble {
            let kept = trainer.savedStep.map { "; the checkpoint of step \($0) is intact" } ?? ""
            return RunFailure(.cannotCreateOutput, "\(place), without a checkpoint of it: \(trouble)\(kept)")
        }
        guard trainer.savedStep == trainer.step else { return RunFailure(stoppedBy: request.signal, place) }
        return RunFailure(
            stoppedBy: request.signal, "\(place); checkpoint in \(folder.checkpoints.newest). Go on with --resume")
    }

    /// Everything that a run leaves; what cannot be written does not keep the rest from it.
    ///
    /// - Parameter unsaved: why the last checkpoint was not written
    private func finish(
        _ trainer: Trainer, _ report: RunReport, _ folder: RunFolder, _ unsaved: FileError?
    ) throws -> TrainingOutcome {
        let artefacts = RunArtefacts(trainer: trainer, folder: folder)
        let record = try trainer.finalRecord()
        var trouble = unsaved
        func attempt(_ write: () throws -> Void) throws {
            do { try write() } catch let error as FileError { trouble = trouble ?? error }
        }
        let model = artefacts.model
        try attempt { try folder.write(model.bytes, to: folder.model) }
        try attempt { try artefacts.writePlots(record) }
        var report = report
        report.totals = RunReport.Totals(
            steps: trainer.step, seconds: Double(MonotonicClock.now() - began) * 1e-9,
            trainingSeconds: trainer.timing.seconds, imagesPerSecond: trainer.timing.imagesPerSecond,
            finalTrainLoss: record.epochs.last?.trainLoss, finalTestLoss: record.epochs.last?.testLoss,
            modelDigest: model.digest, peakResidentBytes: Machine.peakResidentBytes(of: getpid()))
        try attempt { try folder.write(report.json.pretty(), to: folder.report) }
        trainer.awaitWriter()
        guard let trouble else { return TrainingOutcome(modelPath: folder.model, modelDigest: model.digest) }
        let way = trainer.savedStep.map { "with --resume: it goes on after step \($0)" } ?? "again"
        throw RunFailure(
            .cannotCreateOutput,
            "all \(trainer.step) steps are done, but not all files could be written: \(trouble) Then run the same command \(way)",
            leavesCheckpointsAlone: true)
    }

    private func loadDataset() throws -> Dataset {
        let dataset = try Runtime.loadDataset(
            configuration.dataset, data: configuration.data, environment: environment, signals: signals
        ) { display.say("note: \($0)") }
        try dataset.require(configuration.excludedClasses.sorted(), option: "--exclude-classes")
        let kept = dataset.excluding(configuration.excludedClasses)
        guard kept.train.count > 0, kept.test.count > 0 else {
            throw RunFailure(
                .badData,
                "--exclude-classes \(configuration.excludedClasses.sorted().map(String.init).joined(separator: ",")) leaves "
                    + "no images to train and to test on: leave out fewer classes")
        }
        return kept
    }

    /// Nil if the run begins anew.
    private func resumedState(_ codec: CheckpointCodec, _ folder: RunFolder) throws -> TrainingState? {
        guard configuration.beginning != .anew else {
            if !folder.checkpoints.isEmpty {
                display.say(
                    "note: starting anew; the checkpoint in \(configuration.output) will be replaced (--resume goes on)"
                )
            }
            return nil
        }
        guard let (state, note) = try folder.readState(codec) else {
            display.say("starting anew: there is no checkpoint in \(configuration.output) yet")
            return nil
        }
        if let note { display.say("note: \(note)") }
        display.say("resuming after step \(state.step)")
        return state
    }
}
