// The training loop: sample, gather the gradient sum, step the optimizer; at the end of an epoch validate; checkpoint now and then.
//
// The way of one step: `EpochSampler.batch` → `CoordinatorShell.begin` → `CoordinatorCore.beginStep` → wire →
// `WorkerCore.onMessage` → `ShardComputer.compute` → wire → `CoordinatorCore.onMessage` → `ReductionTree.insert` → `Adam.update`.
internal import Artifacts
internal import Coordination
package import Datasets
internal import Evaluation
internal import Messaging
package import ModelCore
package import Storage

/// One run from its first to its last step. Artefacts that need no training state are written by `RunArtefacts`.
package final class Trainer {
    let configuration: TrainingConfiguration
    let dataset: Dataset
    let schedule: StepSchedule
    let layout: ParameterLayout
    /// The weights; never written once they are here, for they may be on their way to workers.
    package private(set) var parameters: ParameterBuffer
    private(set) var adam: Adam
    private(set) var record: TrainingRecord
    private(set) var frames: [LatentFrame]
    private(set) var timing = TrainingTiming()

    private let writer: BackgroundWriter
    private let source: any GradientSource
    private let display: ProgressDisplay
    private let examples: RunExamples
    private let trace: StepTrace?
    /// The step after the running one, whose examples are at the workers already.
    private var nextInput: StepInput?
    private var epochSampler: (epoch: Int, sampler: EpochSampler)?
    private var lender = WeightsLender()
    /// The loss of whole batches; nil: the network's loss is one of examples.
    private let batchGradient: BatchGradient?
    private var warnings: WriterWarnings
    /// A checkpoint is due, and is taken as soon as the last one is on the disk.
    private var isSaveDue = false
    /// When the last one was taken.
    private var lastSave = MonotonicClock.now()
    /// Who is known as broken to the last one: if that changes, the next cannot wait.
    private var savedQuarantine: Set<String>

    package var step: Int { Int(adam.step) }
    /// The step of the newest checkpoint that this run has written or begun with.
    package var savedStep: Int? { warnings.savedStep }

    /// - Parameter isResumed: `state` came out of a checkpoint
    package init(
        _ configuration: TrainingConfiguration, dataset: Dataset, examples: RunExamples, state: TrainingState,
        isResumed: Bool, writer: BackgroundWriter, source: any GradientSource, display: ProgressDisplay,
        trace: StepTrace?
    ) {
        self.configuration = configuration
        self.dataset = dataset
        self.writer = writer
        self.source = source
        self.display = display
        self.trace = trace
        self.examples = examples
        schedule = StepSchedule(
            examplesPerEpoch: dataset.train.count, batchSize: configuration.batchSize, epochs: configuration.epochs,
            maxSteps: configuration.maxSteps)
        batchGradient = BatchGradient(configuration.network)
        layout = state.layout
        parameters = state.parameters
        adam = state.adam
        record = state.record
        frames = state.frames
        savedQuarantine = state.ledger.quarantined
        warnings = WriterWarnings(savedStep: isResumed ? state.step : nil)
    }

    /// Takes all steps that are left. Throws `StopRequest` when the user wants to stop; the state is then that of the last
    /// complete step.
    package func run() throws {
        // Only now: a run that ends before its first step leaves an earlier run's file alone.
        try writer.openMetrics(after: record.metricsLength)
        var isDone = false
        while !isDone {
            do {
                try takeSteps()
                isDone = true
            } catch let request as GoBack {
                try goBack(request)
            } catch let trouble as NoMajority {
                try goBack(trouble.goBack)
                throw RunFailure(.internalError, trouble.description)
            }
        }
        display.finish()
    }

    private func takeSteps() throws {
        if configuration.animation && step == 0 { frames = [try frame(epoch: 0)] }
        // Stopped between the last step of an epoch and its end.
        if step > 0, schedule.endsEpoch(step), record.examples > 0 { try endEpoch() }
        while step < schedule.totalSteps {
            try takeStep(step + 1)
            if schedule.endsEpoch(step) { try endEpoch() }
            saveIfDue()
            tellNews()
        }
    }

    private func takeStep(_ number: Int) throws {
        let begin = MonotonicClock.now()
        trace?.begin(step: number)
        let input = nextInput ?? input(of: number)
        try trace.span(.send) { try source.begin(input, weights: weightsFrame, latentGradients: nil) }
        nextInput = trace.span(.sample) { number < schedule.totalSteps ? self.input(of: number + 1) : nil }
        let batchSums = try batchGradient.map { try secondRound(of: input, $0) }
        if let nextInput { try trace.span(.send) { try source.prepare(nextInput) } }
        trace?.write()
        let sum = try source.gradientSum()
        let losses =
            batchSums
            ?? LossSums(loss: sum.lossSum, examples: Int(sum.exampleCount), active: Int(sum.activeCount))
        try trace.span(.optimize) { try update(with: sum.gradient, losses, step: number) }
        source.recycle(sum.gradient)
        timing.add(
            images: Int(sum.exampleCount) * configuration.network.kind.towers,
            nanoseconds: MonotonicClock.now() - begin)
        note(losses)
    }

    private var weightsFrame: Frame { Frame(borrowing: parameters, bytes: parameters.bytes) }

    /// Takes the latent vectors of the whole batch, and begins the second round with the gradient of their loss.
    private func secondRound(of input: StepInput, _ batch: BatchGradient) throws -> LossSums {
        let second = input.secondRound
        try trace.span(.send) { try source.prepare(second) }
        let latents = try source.latents()
        let sums = trace.span(.mine) {
            batch.evaluate(
                latents, labels: input.examples.vectorLabels(of: configuration.network.kind),
                draws: SelectionDraws(configuration.network, step: input.number))
        }
        guard sums.loss.isFinite else {
            try source.examineNonFinite()
            throw divergence(at: Int(input.number))
        }
        let gradient = batch.latentGradient.withUnsafeBytes { Frame(copying: $0) }
        try trace.span(.send) { try source.begin(second, weights: weightsFrame, latentGradients: gradient) }
        return sums
    }

    /// The optimizer's step, into a buffer that nobody reads. Without any tuple the gradient is zero, and the step is taken all the
    /// same.
    private func update(with sum: GradientBuffer, _ losses: LossSums, step: Int) throws {
        guard let gradient = sum.values.baseAddress else { preconditionFailure("a gradient has memory") }
        let next = lender.buffer(count: parameters.count)
        guard losses.loss.isFinite,
            adam.update(parameters, to: next, gradientSum: gradient, exampleCount: max(losses.examples, 1))
        else {
            try source.examineNonFinite()
            throw divergence(at: step)
        }
        parameters = next
    }

    private func input(of step: Int) -> StepInput {
        StepInput(
            number: UInt64(step), task: batchGradient == nil ? .gradients : .embeddings, examples: examples(of: step),
            images: dataset.train, isLast: step == schedule.totalSteps)
    }

    private func examples(of step: Int) -> ExampleIndices {
        let epoch = schedule.epoch(of: step)
        if epochSampler?.epoch != epoch { epochSampler = (epoch, examples.training.epoch(epoch)) }
        guard let epochSampler else { preconditionFailure("the epoch's sampler was just made") }
        return epochSampler.sampler.batch(positions: schedule.positions(of: step))
    }

    private func note(_ sums: LossSums) {
        record.add(lossSum: sums.loss, secondTermSum: sums.secondTerm, examples: sums.examples)
        if step % configuration.logInterval == 0 || step == schedule.totalSteps {
            let interval = record.takeInterval()
            append(
                MetricsLine(
                    step: step, epoch: schedule.epoch(of: step), split: .train, loss: interval.loss,
                    terms: interval.terms(of: configuration.network), imagesPerSecond: timing.imagesPerSecond))
        }
        display.show(
            ProgressDisplay.Moment(
                step: step, totalSteps: schedule.totalSteps, epoch: schedule.epoch(of: step),
                epochs: configuration.epochs, loss: record.runningLoss, testLoss: record.epochs.last?.testLoss,
                imagesPerSecond: timing.imagesPerSecond, workers: source.workerCount))
    }

    private func endEpoch() throws {
        let epoch = schedule.epoch(of: step)
        // All that may be stopped comes before anything changes.
        let validation = try validationLoss()
        let newFrames = configuration.animation ? [try frame(epoch: epoch)] : []
        frames += newFrames
        record.epochs.append(record.epoch(epoch, validation: validation, configuration.network))
        record.beginEpoch()
        append(MetricsLine(step: step, epoch: epoch, validation: validation, configuration.network))
    }

    /// The record with the epoch that `--max-steps` cut short, validated too.
    func finalRecord() throws -> TrainingRecord {
        var final = record
        guard record.runningLoss != nil, step > 0 else { return final }
        let validation = try validationLoss()
        let epoch = schedule.epoch(of: step)
        final.epochs.append(record.epoch(epoch, validation: validation, configuration.network))
        append(MetricsLine(step: step, epoch: epoch, validation: validation, configuration.network))
        return final
    }

    // MARK: Looking at the latent space

    private func validationLoss() throws -> MeanLoss {
        let (examples, images) = (examples.validation, dataset.test)
        let sums = try lossSums(
            configuration.network, at: parameters, count: examples.count, threads: Machine.evaluationThreads,
            pausing: source.attend
        ) { range, pixels, targets in
            let bytes = UnsafeMutableRawBufferPointer(start: pixels, count: examples.gatheredSize(of: range))
            examples.gather(range, from: images, into: bytes)
            for (slot, example) in range.enumerated() { targets[slot] = examples.targets[example] }
        }
        return MeanLoss(sums)
    }

    private func frame(epoch: Int) throws -> LatentFrame {
        LatentFrame(epoch: epoch, latents: try latents(of: dataset.test))
    }

    /// The animation's frames, with one of the end if `--max-steps` cut an epoch short.
    func finalFrames() throws -> [LatentFrame] {
        guard step > 0, !schedule.endsEpoch(step) else { return frames }
        return frames + [try frame(epoch: schedule.epoch(of: step))]
    }

    /// Latent vectors, [image][dimension], at the present weights.
    func latents(of images: ImageSet) throws -> [Float] {
        try images.pixels.withUnsafeBufferPointer { pixels in
            guard let pixels = pixels.baseAddress else { return [] }
            return try embed(
                configuration.network, at: parameters, pixels: pixels, count: images.count,
                threads: Machine.evaluationThreads, pausing: source.attend)
        }
    }

    private func append(_ line: MetricsLine) {
        writer.append(String(decoding: line.encoded().dropLast(), as: UTF8.self))
    }

    private func divergence(at number: Int) -> RunFailure {
        let kept =
            savedStep.map { "the checkpoint of step \($0) is kept" } ?? "no checkpoint had been written yet"
        return RunFailure(
            .badConfiguration,
            "the loss or a gradient of step \(number) is not a finite number: training has diverged. Try a lower --lr than "
                + "\(configuration.learningRate); \(kept)", leavesCheckpointsAlone: true)
    }
}

// MARK: - Checkpoints

extension Trainer {
    /// Hands a checkpoint over to the writer when one is due: every so many steps or at the end of an epoch, and every so many
    /// seconds. While it is busy with the last one it waits for a later step, however slow the disk.
    private func saveIfDue() {
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
            adam: Adam(
                learningRate: adam.learningRate, firstMoment: moments[0], secondMoment: moments[1], step: adam.step),
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
    private func tellNews() -> FileError? {
        var failure: FileError?
        for news in writer.news() {
            if let line = warnings.line(for: news) { display.say(line) }
            if case .notSaved(_, let error) = news { failure = error }
            if case .saved = news { failure = nil }
        }
        return failure
    }

    /// Goes back to the newest state before the step in question: that of a checkpoint, or the one before the first step.
    private func goBack(_ request: GoBack) throws {
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

/// The latent space of the test set after an epoch.
struct LatentFrame: Equatable {
    let epoch: Int
    /// [image][dimension]
    let latents: [Float]
}

/// Time spent in steps, and what was done in it. Only printed.
struct TrainingTiming {
    private(set) var images = 0
    private(set) var nanoseconds: UInt64 = 0

    /// From the start of the process to the end of its first step.
    private(set) var secondsToFirstStep: Double?

    mutating func add(images: Int, nanoseconds: UInt64) {
        if self.nanoseconds == 0 { secondsToFirstStep = Machine.secondsSinceStart() }
        self.images += images
        self.nanoseconds += nanoseconds
    }

    var seconds: Double { Double(nanoseconds) * 1e-9 }
    var imagesPerSecond: Double { nanoseconds > 0 ? Double(images) / seconds : 0 }
}

/// What is drawn from a dataset: training examples anew in every epoch, the same validation examples after each.
package struct RunExamples {
    let training: Sampler
    let validation: ExampleIndices

    /// - Throws: `SamplerError` if the labels do not allow the examples that the network wants.
    package init(_ dataset: Dataset, _ configuration: TrainingConfiguration) throws {
        let kind = configuration.network.kind.exampleKind
        training = try Sampler(kind: kind, labels: dataset.train.labels, seed: configuration.seed)
        validation = try Sampler(kind: kind, labels: dataset.test.labels, seed: configuration.seed)
            .validation().batch(positions: 0..<dataset.test.count)
    }
}

extension NetworkKind {
    var exampleKind: ExampleKind {
        switch self {
        case .embeddingClassification, .variationalAutoencoder: .labelled
        case .siameseContrastive, .siameseBinaryCrossEntropy: .pair
        case .triplet: .triplet
        case .onlineContrastive, .onlineTriplet, .supervisedContrastive, .ntXent: .labelled
        }
    }
}
