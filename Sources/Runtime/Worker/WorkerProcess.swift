// A worker process: one DEALER socket, one loop, one thread for everything but the kernels.
internal import Coordination
internal import Glibc
package import Messaging

/// What a worker process is told on its command line.
package struct WorkerOptions: Sendable {
    package var coordinator: Endpoint
    /// Nil: speak to whoever answers, in the clear.
    package var keys: ClientKeys?
    package var threads: Int
    /// How it is called in the coordinator's messages.
    package var name: String
    /// Seconds to wait for a coordinator; nil: for ever.
    package var connectLimit: Double?
    /// Started by a coordinator on this machine, which holds standard input open: leave when it closes.
    package var isChild: Bool
    /// Of the cores that this process may run on, it takes as many as it has threads, from here on; nil: any.
    package var firstCore: Int?

    package init(
        coordinator: Endpoint, keys: ClientKeys? = nil, threads: Int, name: String, connectLimit: Double?,
        isChild: Bool,
        firstCore: Int?
    ) {
        self.coordinator = coordinator
        self.keys = keys
        self.threads = threads
        self.name = name
        self.connectLimit = connectLimit
        self.isChild = isChild
        self.firstCore = firstCore
    }
}

/// Works until the coordinator sends it home. Throws `RunFailure` for every other end.
package func runWorker(_ options: WorkerOptions, service: ServiceNotifier?, log: (String) -> Void) throws {
    service?.tell("computing for \(options.coordinator)")
    try WorkerProcess(options, service: service).run(log: log)
}

private final class WorkerProcess {
    private enum Source: Hashable {
        case socket
        case monitor
        case signal
        case parent
    }

    /// Time a child has to leave by itself when its parent has gone.
    private static let graceAfterParent: Int32 = 2000
    /// How long a computation may keep messages waiting.
    private static let longestAbsence: UInt64 = 100_000_000
    /// For a goodbye to be on its way, nanoseconds. Linux resets a connection that is closed while something that has arrived is
    /// unread (the next lease, as a rule), and throws away what has not left yet.
    private static let farewell: UInt64 = 100_000_000

    private let options: WorkerOptions
    private let service: ServiceNotifier?
    private let socket: DealerSocket
    private var link: LinkWatch
    private let poller = Poller<Source>()
    private let signals: SignalWatch
    private let parent: ParentWatch?
    private let engine: WorkerEngine
    private var lastLook: UInt64 = 0

    init(_ options: WorkerOptions, service: ServiceNotifier?) throws {
        self.options = options
        self.service = service
        do {
            var socketOptions = SocketOptions()
            socketOptions.largestFrame = 1 << 30
            socketOptions.linger = .milliseconds(500)
            keepFreedMemory()
            if let first = options.firstCore { bindToCores(first: first, count: options.threads) }
            // For the I/O thread; this one computes.
            setTimeSlice(.short)
            defer { setTimeSlice(.ofTheKernel) }
            let socket = try DealerSocket(context: Context(), options: socketOptions, keys: options.keys)
            link = try LinkWatch(socket, to: options.coordinator, keys: options.keys, asker: "this worker")
            self.socket = socket
            signals = try SignalWatch()
        } catch {
            throw RunFailure(error)
        }
        parent = options.isChild ? ParentWatch() : nil
        var configuration = WorkerConfiguration(
            build: .ofThisBuild(), incarnation: .random(in: 1...UInt64.max) << WorkerIdentity.registrationBits,
            threads: UInt16(options.threads),
            processID: UInt32(getpid()), processName: options.name)
        configuration.patience.connectLimit = options.connectLimit.map(Coordination.Duration.init(seconds:))
        let socket = socket
        engine = WorkerEngine(configuration) { (frames) throws(ZeroMQError) in
            // Not delivered while no link is up: the core repeats its hello, and a lost answer is computed again.
            _ = try socket.send(frames)
        }
        poller.watch(socket, as: .socket)
        poller.watch(link.monitor, as: .monitor)
        poller.watch(descriptor: signals.descriptor, as: .signal)
        if let parent { poller.watch(descriptor: parent.descriptor, as: .parent) }
    }

    func run(log: (String) -> Void) throws {
        try parent?.exitAfterParent(
            graceMilliseconds: Self.graceAfterParent, code: ExitCode.tryAgainLater.rawValue)
        engine.whileComputing = { [unowned self] in try lookUp() }
        try engine.start()
        while engine.end == nil {
            service?.beat()
            let due = [engine.nextDeadline, link.reconnection, service?.nextBeat].compactMap { $0 }
            let ready = try poller.wait(until: due.min())
            if ready.contains(.parent), parent?.parentHasGone() == true {
                throw RunFailure(.tryAgainLater, "the coordinator that started this worker has gone")
            }
            try heedSignal()
            // The link before what came over it: a welcome that overtook the news of its link would be thrown away.
            try link.look(while: { engine.end == nil }, changed: { if $0 { try engine.onLinkUp() } })
            try takeMessages(log: log)
            if isDue { try engine.onDeadline() }
        }
        try conclude()
    }

    private var isDue: Bool { engine.nextDeadline.map { MonotonicClock.now() >= $0 } ?? false }

    private func takeMessages(log: (String) -> Void) throws {
        while engine.end == nil, let message = try socket.receive() {
            if let reason = try engine.receive(message) { log("dropped a message: \(reason)") }
        }
    }

    /// A glance at signals, socket and clock from within a long computation.
    private func lookUp() throws {
        let now = MonotonicClock.now()
        guard now - lastLook >= Self.longestAbsence else { return }
        lastLook = now
        service?.beat()
        try heedSignal()
        try takeMessages { _ in }
        if isDue { try engine.onDeadline() }
    }

    private func heedSignal() throws {
        guard let signal = signals.received else { return }
        try engine.stop(reason: "stopped by \(signal)")
        // A second signal ends the process meanwhile.
        _ = try Poller<Source>().wait(until: MonotonicClock.now() + Self.farewell)
        throw RunFailure(stoppedBy: signal, "stopped by a signal")
    }

    private func conclude() throws {
        // Whoever started a child says how the run ended.
        if options.isChild, case .finished = engine.end { return }
        if let failure = engine.end?.failure(at: options.coordinator) { throw failure }
    }
}
