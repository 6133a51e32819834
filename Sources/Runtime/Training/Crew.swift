// Brings up whoever computes: the link, the coordinator's shell over it, and on this machine the worker processes.
internal import Coordination
internal import Glibc
internal import Messaging
internal import ModelCore
internal import Storage

/// Coordinator and workers of one run.
final class Crew {
    let shell: CoordinatorShell
    private let site: WorkerSite
    /// What is known of the run, for whoever asks.
    private let board: StatusBoard
    private let signals: SignalWatch
    private let display: ProgressDisplay
    private let service: ServiceNotifier?
    private var isDismissed = false

    /// - Parameter identify: which start of which job this is. Asked of a coordinator for strangers only, once it has its address
    ///   and before it answers anybody there: workers of its own cannot take it for another.
    init(
        _ configuration: TrainingConfiguration, environment: [String: String], signals: SignalWatch,
        display: ProgressDisplay, service: ServiceNotifier?, identify: () throws -> RunEpoch
    ) throws {
        self.service = service
        self.signals = signals
        self.display = display
        // Before anything else is taken: its port may be taken itself.
        let metrics = try configuration.metricsPort.map(MetricsServer.init)
        let build = BuildIdentity.ofThisBuild()
        let conditions = WorkerSite.Conditions(
            configuration: configuration, environment: environment, build: build, signals: signals, display: display)
        let notify: (ClusterNotice) -> Void
        var epoch = RunEpoch.first()
        switch configuration.workforce {
        case .inProcess:
            site = try .inProcess(conditions)
            notify = display.sayLocally(notice:)
        case .local(let count):
            site = try .local(count, conditions)
            notify = display.sayLocally(notice:)
        case .remote(let workforce):
            site = try .remote(workforce, conditions)
            notify = display.say(notice:)
            epoch = try identify()
        }
        let link = ObservedLink(site.link)
        shell = CoordinatorShell(
            link: service.map { WatchedLink(link, service: $0) } ?? link, network: configuration.network, build: build,
            run: epoch.run, audit: configuration.auditPlan, notify: sparing(notify))
        board = StatusBoard(
            configuration, shell: shell, link: link, metrics: metrics,
            say: configuration.workforce.isCluster ? display.say : nil)
        display.watch = { [weak board] moment in board?.show(moment) }
        try site.start()
        if let metrics { display.say("metrics on \(metrics.address)") }
    }

    /// Waits until everybody who was started is there, but not for ever: a run needs only one. In a cluster until as many
    /// as wanted have come, however long that takes.
    func gather() throws {
        // Only now: by now this run has its folder, and nobody is sent to one that is about to be refused.
        try site.announce()
        service?.ready()
        let expected = site.expected
        if site.gatheringTime == nil {
            display.say("waiting for \(expected) worker\(expected == 1 ? "" : "s") to connect")
        }
        try shell.awaitWorkers(expected, until: site.gatheringTime.map { MonotonicClock.now() + $0 } ?? .max)
    }

    /// A look at the link in the middle of other work. When everybody has been sent home, somebody may still want to know how far the
    /// pictures are. Throws `StopRequest` when the user wants to stop.
    func attend() throws {
        if let signal = signals.received { throw StopRequest(signal: signal) }
        service?.beat()
        board.stepAside()
        if !isDismissed || site.isReachable { try shell.attend() }
    }

    /// Peak resident bytes of the local workers, by process id.
    var workerMemory: [(processID: Int32, peakResidentBytes: Int?)] {
        (site.cluster?.processIDs ?? []).map { ($0, Machine.peakResidentBytes(of: $0)) }
    }

    /// Sends everybody home and ends the processes that were started here.
    func dismiss(_ reason: GoodbyeReason) {
        guard !isDismissed else { return }
        isDismissed = true
        try? shell.stop(reason)
        site.cluster?.stop()
    }
}

extension ProgressDisplay {
    /// Local workers come and go with the run: only troubles are news.
    func sayLocally(notice: ClusterNotice) {
        switch notice {
        case .joined: break
        case .lost, .refused, .dropped, .workersBack, .noWorkers, .quarantined: say(notice: notice)
        }
    }

    func say(notice: ClusterNotice) {
        switch notice {
        case .joined(let worker): say("\(worker) joined")
        case .lost(let worker, let reason): say("lost \(worker): \(reason); its shard goes to another")
        case .refused(let reason): say("refused a worker: \(reason)")
        case .noWorkers: say("waiting: no worker is connected")
        case .workersBack: say("going on: a worker is connected")
        case .dropped(let what): say("dropped \(what)")
        case .quarantined(let worker, let unconfirmed):
            say(
                "\(worker) computes wrongly and is sent away for good; "
                    + (unconfirmed.map { "what it has contributed is void: \($0)" }
                        ?? "nothing of what it has contributed is in doubt"))
        }
    }
}
