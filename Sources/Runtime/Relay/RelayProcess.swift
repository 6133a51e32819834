// A relay process: a DEALER to its coordinator, a ROUTER for its workers, one loop, one thread besides libzmq's own.
internal import Coordination
internal import Glibc
package import Messaging
internal import ModelCore

/// What a relay process is told on its command line.
package struct RelayOptions: Sendable {
    package var coordinator: Endpoint
    /// For the coordinator; nil: speak to whoever answers, in the clear.
    package var key: ClientKeys?
    package var listen: Endpoint
    /// For the workers; nil: whoever comes.
    package var keys: ServerKeys?
    /// How it is called in the coordinator's messages.
    package var name: String
    /// Seconds to wait for a coordinator; nil: for ever.
    package var connectLimit: Double?

    package init(
        coordinator: Endpoint, key: ClientKeys? = nil, listen: Endpoint, keys: ServerKeys? = nil, name: String,
        connectLimit: Double?
    ) {
        self.coordinator = coordinator
        self.key = key
        self.listen = listen
        self.keys = keys
        self.name = name
        self.connectLimit = connectLimit
    }
}

/// Passes work on until the coordinator sends it home. Throws `RunFailure` for every other end.
package func runRelay(_ options: RelayOptions) throws { try RelayProcess(options).run() }

private final class RelayProcess {
    /// One I/O thread for either direction.
    private static let inputOutputThreads: Int32 = 2
    /// A goodbye that arrives together with the end of its connection may be lost, since libzmq throws away what a socket with
    /// ZMQ_IMMEDIATE has not yet taken when its link breaks. A worker looks up from its computation ten times a second.
    private static let farewell: UInt64 = 300_000_000

    private let options: RelayOptions
    private let socket: DealerSocket
    private var uplink: LinkWatch
    private let link: RouterLink
    private let shell: RelayShell
    private let lock: SocketLock?

    init(_ options: RelayOptions) throws {
        self.options = options
        let display = ProgressDisplay(isTerminal: false, isColoured: false, logInterval: 1)
        do {
            lock = try SocketLock(options.listen)
            let context = try Context(inputOutputThreads: Self.inputOutputThreads)
            // The job, and with it the size of its gradients, is not known before the first worker is here.
            let largestFrame = MessageLimits().maximumParameterCount * 4
            link = try RouterLink(
                context: context, endpoint: options.listen, largestFrame: largestFrame, signals: SignalWatch(),
                keys: options.keys, say: display.say)
            var socketOptions = SocketOptions()
            socketOptions.largestFrame = 1 << 30
            socketOptions.linger = .milliseconds(500)
            socket = try DealerSocket(context: context, options: socketOptions, keys: options.key)
            uplink = try LinkWatch(socket, to: options.coordinator, keys: options.key, asker: "this relay")
        } catch {
            throw RunFailure(error)
        }
        link.watch(socket, named: "coordinator")
        link.watch(uplink.monitor, named: "link to the coordinator")
        let socket = socket
        shell = RelayShell(
            Self.configuration(options), link: link, notify: sparing(display.say(notice:))
        ) { frames in
            // Not delivered while no link is up: the core repeats its hello, and a lost answer is computed again.
            _ = try socket.send(frames)
        }
        let key = options.keys == nil ? "" : " --key FILE"
        display.say("listening on \(link.endpoint): connect with  siamese worker --connect \(link.endpoint)\(key)")
    }

    private static func configuration(_ options: RelayOptions) -> RelayConfiguration {
        var configuration = RelayConfiguration(
            build: .ofThisBuild(), incarnation: .random(in: 1...UInt64.max) << WorkerIdentity.registrationBits,
            processID: UInt32(getpid()),
            processName: options.name, examplesPerMicrobatch: microbatchSize)
        configuration.patience.connectLimit = options.connectLimit.map(Coordination.Duration.init(seconds:))
        return configuration
    }

    func run() throws {
        while shell.end == nil {
            try uplink.look(while: { shell.end == nil }, changed: shell.linkChanged(isUp:))
            while shell.end == nil, let message = try socket.receive() { try shell.receive(message) }
            if shell.end == nil { try serve(until: [shell.nextDeadline, uplink.reconnection].compactMap { $0 }.min()) }
        }
        try leaveTimeForGoodbyes()
        if let failure = shell.end?.failure(at: options.coordinator) { throw failure }
    }

    private func serve(until deadline: UInt64?) throws {
        let event = try link.next(until: deadline)
        guard case .stopped(let signal) = event else { return try shell.handle(event) }
        try shell.stop(reason: "stopped by \(signal)")
        try leaveTimeForGoodbyes()
        throw RunFailure(stoppedBy: signal, "stopped by a signal")
    }

    /// A second signal ends the process meanwhile.
    private func leaveTimeForGoodbyes() throws {
        _ = try Poller<Int>().wait(until: MonotonicClock.now() + Self.farewell)
    }
}
