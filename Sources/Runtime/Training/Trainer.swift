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
internal import Storage

/// One run from its first to its last step. Artefacts that need no training state are written by `RunArtefacts`.
package final class Trainer {
    let configuration: TrainingConfiguration
    let dataset: Dataset
    let schedule: StepSchedule
    let layout: ParameterLayout
    /// The weights; never written once they are here, for they may be on their way to workers.
    package internal(set) var parameters: ParameterBuffer
    var adam: Adam
    var record: TrainingRecord
    var frames: [LatentFrame]
    private(set) var timing = TrainingTiming()

    let writer: BackgroundWriter
    let source: any GradientSource
    let display: ProgressDisplay
    let examples: RunExamples
    private let trace: StepTrace?
    /// The step after the running one, whose examples are at the workers already.
    var nextInput: StepInput?
    private var epochSampler: (epoch: Int, sampler: EpochSampler)?
    private var lender = WeightsLender()
    private var collapse: CollapseAlarm
    /// The loss of whole batches; nil: the network's loss is one of examples.
    let batchGradient: BatchGradient?
    private let team: Team
    var warnings: WriterWarnings
    /// A checkpoint is due, and is taken as soon as the last one is on the disk.
    var isSaveDue = false
    /// When the last one was taken.
    var lastSave = MonotonicClock.now()
    /// Who is known as broken to the last one: if that changes, the next cannot wait.
    var savedQuarantine: Set<String>

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
        let team = Team(threads: Machine.evaluationThreads)
        batchGradient = BatchGradient(configuration.network, concurrently: team.share)
        self.team = team
        collapse = CollapseAlarm(configuration.network)
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
            ?? LossSums(
                loss: sum.lossSum, secondTerm: sum.secondTermSum, examples: Int(sum.exampleCount),
                active: Int(sum.activeCount))
        try trace.span(.optimize) { try update(with: sum.gradient, losses, step: number) }
        source.recycle(sum.gradient)
        timing.add(
            images: Int(sum.exampleCount) * configuration.network.kind.towers,
            nanoseconds: MonotonicClock.now() - begin)
        note(losses, health(losses))
    }

    private var weightsFrame: Frame { Frame(borrowing: parameters, bytes: parameters.bytes) }

    /// Of a batch: for fewer nobody need be woken.
    private static let rowsPerThread = 128

    /// Takes the latent vectors of the whole batch, and begins the second round with the gradient of their loss.
    private func secondRound(of input: StepInput, _ batch: BatchGradient) throws -> LossSums {
        let second = input.secondRound
        try trace.span(.send) { try source.prepare(second) }
        let latents = try source.latents()
        let labels = input.examples.vectorLabels(of: configuration.network.kind)
        let draws = SelectionDraws(configuration.network, step: input.number)
        let sums = trace.span(.mine) {
            team.gather(labels.count / Self.rowsPerThread) { batch.evaluate(latents, labels: labels, draws: draws) }
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

    /// What the step's batch tells of the latent space; nil where no loss of tuples can tell.
    private func health(_ sums: LossSums) -> MetricsHealth? {
        guard step % configuration.logInterval == 0 || step == schedule.totalSteps else { return nil }
        if let health = batchGradient?.health() {
            return MetricsHealth(
                tuples: health.tuples, active: health.active, positiveDistance: health.positiveDistance,
                negativeDistance: health.negativeDistance, norm: health.norm)
        }
        guard configuration.network.kind.hasMargin else { return nil }
        return MetricsHealth(tuples: sums.examples, active: sums.active)
    }

    private func note(_ sums: LossSums, _ health: MetricsHealth?) {
        record.add(lossSum: sums.loss, secondTermSum: sums.secondTerm, examples: sums.examples)
        if step % configuration.logInterval == 0 || step == schedule.totalSteps {
            let interval = record.takeInterval()
            append(
                MetricsLine(
                    step: step, epoch: schedule.epoch(of: step), split: .train, loss: interval.loss,
                    terms: interval.terms(of: configuration.network), health: health,
                    imagesPerSecond: timing.imagesPerSecond))
            if let advice = collapse.look(at: health, loss: interval.loss) { display.say(advice) }
        }
        display.show(
            ProgressDisplay.Moment(
                step: step, totalSteps: schedule.totalSteps, epoch: schedule.epoch(of: step),
                epochs: configuration.epochs, loss: record.runningLoss, testLoss: record.epochs.last?.testLoss,
                imagesPerSecond: timing.imagesPerSecond, workers: source.workerCount, health: health))
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

    func append(_ line: MetricsLine) {
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

/// The latent space of the test set after an epoch.
package struct LatentFrame: Equatable {
    package let epoch: Int
    /// [image][dimension]
    package let latents: [Float]
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
        training = try Sampler(
            kind: kind, labels: dataset.train.labels, seed: configuration.seed, balance: configuration.balance)
        let sampler = try Sampler(kind: kind, labels: dataset.test.labels, seed: configuration.seed)
        // A batch of images in the files' order might have one class only.
        let order = configuration.network.kind.isInBatch ? sampler.epoch(0) : sampler.validation()
        validation = order.batch(positions: 0..<dataset.test.count)
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
