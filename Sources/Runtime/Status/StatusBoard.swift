// Where a coordinator keeps what is known of its run, for whoever asks: over the protocol, over HTTP, or nobody, when a worker is so
// slow that the user should know. Lives on the coordinator's thread.
internal import Artifacts
internal import Coordination
internal import Datasets
internal import Messaging
internal import ModelCore

/// The present state of one run.
final class StatusBoard {
    /// A report that was made a moment ago is good enough for the next one who asks.
    private static let freshness: UInt64 = 100_000_000
    /// Between two snapshots for the metrics, unless they cost more than a hundredth of the time.
    private static let betweenSnapshots: UInt64 = 1_000_000_000

    private var status: RunStatus
    private let began = MonotonicClock.now()
    private let figures: () -> [WorkerFigures]
    private let link: ObservedLink
    private let metrics: MetricsServer?
    private var remark: SlowWorkerRemark?
    private var report: (frame: Frame, document: [UInt8], time: UInt64)?

    /// - Parameters:
    ///   - shell: the coordinator; the board answers in its place when somebody asks
    ///   - link: the one that the shell uses
    ///   - metrics: where to publish; nil: nowhere
    ///   - say: tells the user of slow workers; nil: nobody is told
    init(
        _ configuration: TrainingConfiguration, shell: CoordinatorShell, link: ObservedLink, metrics: MetricsServer?,
        say: ((String) -> Void)?
    ) {
        status = RunStatus(
            run: "\(shell.run)", network: configuration.network.kind.rawValue,
            dataset: configuration.dataset.rawValue, epochs: configuration.epochs)
        figures = { [unowned shell] in shell.figures }
        self.link = link
        self.metrics = metrics
        remark = say.map { SlowWorkerRemark(began: began, say: $0) }
        link.look = { [unowned self] now in look(now) }
        shell.report = { [unowned self] in makeReport() }
    }

    /// A step is done.
    func show(_ moment: ProgressDisplay.Moment) {
        status.phase = .training
        status.step = moment.step
        status.steps = moment.totalSteps
        status.epoch = moment.epoch
        status.loss = moment.loss
        status.testLoss = moment.testLoss
        status.imagesPerSecond = moment.imagesPerSecond
    }

    /// The run is busy with something else than a step.
    func stepAside() { if status.phase == .training { status.phase = .evaluating } }

    private func present(_ now: UInt64) -> RunStatus {
        var present = status
        present.seconds = Double(now - began) / 1e9
        present.workers = figures().map { WorkerStatus($0, link.traffic(of: $0.identity.peer)) }
        return present
    }

    private func makeReport() -> (document: [UInt8], frame: Frame) {
        let now = MonotonicClock.now()
        if let report, now - report.time < Self.freshness { return (report.document, report.frame) }
        let document = present(now).json.compact()
        let frame = Frame(document)
        report = (frame, document, now)
        return (document, frame)
    }

    /// Returns when to look again.
    private func look(_ now: UInt64) -> UInt64 {
        guard metrics != nil || remark != nil else { return .max }
        let present = present(now)
        metrics?.publish(present)
        remark?.consider(present, now: now)
        return now + max(Self.betweenSnapshots, 100 * (MonotonicClock.now() - now))
    }
}
