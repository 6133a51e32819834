// The training loop: sample, gather the gradient sum, step the optimizer; at the end of an epoch validate and checkpoint.
//
// The way of one step: `EpochSampler.batch` → `CoordinatorShell.begin` → `CoordinatorCore.beginStep` → wire →
// `WorkerCore.onMessage` → `ShardComputer.compute` → wire → `CoordinatorCore.onMessage` → `ReductionTree.insert` → `Adam.update`.
internal import Artifacts
internal import Coordination
internal import Datasets
internal import Evaluation
internal import Messaging
internal import ModelCore
internal import Storage

/// One run from its first to its last step. Artefacts that need no training state are written by `RunArtefacts`.
final class Trainer {
    let configuration: TrainingConfiguration
    let dataset: Dataset
    let schedule: StepSchedule
    let layout: ParameterLayout
    /// The weights; never written once they are here, for they may be on their way to workers.
    private(set) var parameters: ParameterBuffer
    private(set) var adam: Adam
    private(set) var record: TrainingRecord
    private(set) var frames: [LatentFrame]
    private(set) var timing = TrainingTiming()

    private let folder: RunFolder
    private let crew: Crew
    private let display: ProgressDisplay
    private let examples: RunExamples
    private let trace: StepTrace?
    /// Open from the first step on: a run that ends before it leaves an earlier run's file alone.
    private var metrics: LineFile?
    /// The step after the running one, whose examples are at the workers already.
    private var nextInput: StepInput?
    private var epochSampler: (epoch: Int, sampler: EpochSampler)?
    private var lender = WeightsLender()
    /// The step of the checkpoint that this run has written or begun with.
    private(set) var checkpointedStep: Int?

    var step: Int { Int(adam.step) }

    init(
        _ configuration: TrainingConfiguration, dataset: Dataset, examples: RunExamples, state: TrainingState,
        folder: RunFolder, crew: Crew, display: ProgressDisplay, trace: StepTrace?
    ) throws {
        self.configuration = configuration
        self.dataset = dataset
        self.folder = folder
        self.crew = crew
        self.display = display
        self.trace = trace
        crew.shell.trace = trace
        self.examples = examples
        schedule = StepSchedule(
            examplesPerEpoch: dataset.train.count, batchSize: configuration.batchSize, epochs: configuration.epochs,
            maxSteps: configuration.maxSteps)
        layout = state.layout
        parameters = state.parameters
        adam = state.adam
        record = state.record
        frames = state.frames
        checkpointedStep = configuration.resume ? state.step : nil
    }

    /// Takes all steps that are left. Throws `StopRequest` when the user wants to stop; the state is then that of the last
    /// complete step.
    func run() throws {
        metrics = try folder.openMetrics(after: record.metricsLength)
        if configuration.animation && step == 0 { frames = [try frame(epoch: 0)] }
        // Stopped between the last step of an epoch and its end.
        if step > 0, schedule.endsEpoch(step), record.examples > 0 { try endEpoch() }
        while step < schedule.totalSteps {
            try takeStep(step + 1)
            if schedule.endsEpoch(step) { try endEpoch() }
            if isCheckpointDue { try writeCheckpoint() }
        }
        display.finish()
    }

    private func takeStep(_ number: Int) throws {
        let begin = MonotonicClock.now()
        trace?.begin(step: number)
        try trace.span(.send) {
            try crew.shell.begin(
                nextInput ?? input(of: number), weights: Frame(borrowing: parameters, bytes: parameters.bytes))
        }
        nextInput = trace.span(.sample) { number < schedule.totalSteps ? input(of: number + 1) : nil }
        if let nextInput { try trace.span(.send) { try crew.shell.prepare(nextInput) } }
        trace?.write()
        let sum = try crew.shell.gradientSum()
        try trace.span(.optimize) { try update(with: sum, step: number) }
        crew.shell.recycle(sum.gradient)
        timing.add(
            images: Int(sum.exampleCount) * configuration.network.kind.towers,
            nanoseconds: MonotonicClock.now() - begin)
        try note(sum)
    }

    /// The optimizer's step, into a buffer that nobody reads.
    private func update(with sum: Partial, step: Int) throws {
        guard let gradient = sum.gradient.values.baseAddress else { preconditionFailure("a gradient has memory") }
        let next = lender.buffer(count: parameters.count)
        guard sum.lossSum.isFinite,
            adam.update(parameters, to: next, gradientSum: gradient, exampleCount: Int(sum.exampleCount))
        else { throw divergence(at: step) }
        parameters = next
    }

    private func input(of step: Int) -> StepInput {
        StepInput(number: UInt64(step), examples: examples(of: step), images: dataset.train)
    }

    private func examples(of step: Int) -> ExampleIndices {
        let epoch = schedule.epoch(of: step)
        if epochSampler?.epoch != epoch { epochSampler = (epoch, examples.training.epoch(epoch)) }
        guard let epochSampler else { preconditionFailure("the epoch's sampler was just made") }
        return epochSampler.sampler.batch(positions: schedule.positions(of: step))
    }

    private func note(_ sum: Partial) throws {
        record.add(lossSum: sum.lossSum, examples: Int(sum.exampleCount))
        if step % configuration.logInterval == 0 || step == schedule.totalSteps {
            try append(
                MetricsLine(
                    step: step, epoch: schedule.epoch(of: step), split: .train, loss: record.takeIntervalLoss(),
                    imagesPerSecond: timing.imagesPerSecond))
        }
        display.show(
            ProgressDisplay.Moment(
                step: step, totalSteps: schedule.totalSteps, epoch: schedule.epoch(of: step),
                epochs: configuration.epochs, loss: record.runningLoss, testLoss: record.epochs.last?.testLoss,
                imagesPerSecond: timing.imagesPerSecond, workers: crew.shell.workers.count))
    }

    private func endEpoch() throws {
        let epoch = schedule.epoch(of: step)
        // All that may be stopped comes before anything changes.
        let loss = try validationLoss()
        let newFrames = configuration.animation ? [try frame(epoch: epoch)] : []
        frames += newFrames
        record.epochs.append(
            TrainingRecord.Epoch(number: epoch, trainLoss: record.runningLoss, testLoss: loss))
        record.lossSum = 0
        record.examples = 0
        try append(MetricsLine(step: step, epoch: epoch, split: .test, loss: loss))
    }

    /// The record with the epoch that `--max-steps` cut short, validated too.
    func finalRecord() throws -> TrainingRecord {
        var final = record
        guard let loss = record.runningLoss, step > 0 else { return final }
        let testLoss = try validationLoss()
        let epoch = schedule.epoch(of: step)
        final.epochs.append(TrainingRecord.Epoch(number: epoch, trainLoss: loss, testLoss: testLoss))
        try append(MetricsLine(step: step, epoch: epoch, split: .test, loss: testLoss))
        return final
    }

    // MARK: Looking at the latent space

    private func validationLoss() throws -> Double {
        let (examples, images) = (examples.validation, dataset.test)
        let sums = try lossSums(
            configuration.network, at: parameters, count: examples.count, threads: Machine.evaluationThreads,
            pausing: crew.attend
        ) { range, pixels, targets in
            let bytes = UnsafeMutableRawBufferPointer(start: pixels, count: examples.gatheredSize(of: range))
            examples.gather(range, from: images, into: bytes)
            for (slot, example) in range.enumerated() { targets[slot] = examples.targets[example] }
        }
        return sums.loss / Double(sums.examples)
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
                threads: Machine.evaluationThreads, pausing: crew.attend)
        }
    }

    // MARK: Checkpoints

    private var isCheckpointDue: Bool {
        if step == schedule.totalSteps { return true }
        if let interval = configuration.checkpointInterval { return step % interval == 0 }
        return schedule.endsEpoch(step)
    }

    func writeCheckpoint() throws {
        // Before the first step there may be more to lose in the folder than to save.
        guard checkpointedStep != step, step > 0 || !folder.hasCheckpoint else { return }
        try metrics?.sync()
        record.metricsLength = metrics?.byteCount ?? record.metricsLength
        let state = TrainingState(
            layout: layout, parameters: parameters, adam: adam, record: record, frames: frames)
        try folder.write(state.checkpoint(configuration, datasetDigest: "\(dataset.digest)"))
        checkpointedStep = step
    }

    private func append(_ line: MetricsLine) throws {
        try metrics?.append(String(decoding: line.encoded().dropLast(), as: UTF8.self))
    }

    private func divergence(at number: Int) -> RunFailure {
        let kept =
            checkpointedStep.map { "the checkpoint of step \($0) is kept" } ?? "no checkpoint had been written yet"
        return RunFailure(
            .badConfiguration,
            "the loss or a gradient of step \(number) is not a finite number: training has diverged. Try a lower --lr than "
                + "\(configuration.learningRate); \(kept)")
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
struct RunExamples {
    let training: Sampler
    let validation: ExampleIndices

    /// - Throws: `SamplerError` if the labels do not allow the examples that the network wants.
    init(_ dataset: Dataset, _ configuration: TrainingConfiguration) throws {
        let kind = configuration.network.kind.exampleKind
        training = try Sampler(kind: kind, labels: dataset.train.labels, seed: configuration.seed)
        validation = try Sampler(kind: kind, labels: dataset.test.labels, seed: configuration.seed)
            .validation().batch(positions: 0..<dataset.test.count)
    }
}

extension NetworkKind {
    var exampleKind: ExampleKind {
        switch self {
        case .embeddingClassification: .labelled
        case .siameseContrastive, .siameseBinaryCrossEntropy: .pair
        case .triplet: .triplet
        }
    }
}
