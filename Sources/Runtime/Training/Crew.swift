// Brings up whoever computes: the link, the coordinator's shell over it, and on this machine the worker processes.
internal import Coordination
internal import Glibc
internal import Messaging
internal import ModelCore
internal import Storage

/// Coordinator and workers of one run.
final class Crew {
    private static let ownWorkersTime: UInt64 = 5_000_000_000

    let shell: CoordinatorShell
    private let cluster: LocalCluster?
    private let socketFolder: SocketFolder?
    private let expected: Int
    /// How long to wait for all that are expected, in nanoseconds; nil: strangers may take as long as they like.
    private let gatheringTime: UInt64?
    private let signals: SignalWatch
    private let display: ProgressDisplay
    /// Keeps a second coordinator from taking over the socket's file.
    private let socketLock: SocketLock?
    private var isDismissed = false

    init(
        _ configuration: TrainingConfiguration, environment: [String: String], signals: SignalWatch,
        display: ProgressDisplay
    ) throws {
        self.signals = signals
        self.display = display
        let build = BuildIdentity.ofThisBuild()
        let network = configuration.network
        let frame = max(ParameterLayout(network).paddedCount * 4, MessageLimits.maximumHeaderBytes)
        switch configuration.workforce {
        case .inProcess:
            (cluster, socketFolder, socketLock, expected, gatheringTime) = (nil, nil, nil, 1, Self.ownWorkersTime)
            let link = try InProcessLink(build: build, threads: configuration.threads, signals: signals)
            shell = CoordinatorShell(link: link, network: network, build: build, notify: display.sayLocally(notice:))
        case .remote(let endpoint, let wanted):
            socketLock = try SocketLock(endpoint)
            let link = try RouterLink(
                context: Context(), endpoint: endpoint, largestFrame: frame, signals: signals)
            (cluster, socketFolder, expected, gatheringTime) = (nil, nil, wanted, nil)
            shell = CoordinatorShell(link: link, network: network, build: build, notify: display.say(notice:))
            display.say("listening on \(link.endpoint): connect with  siamese worker --connect \(link.endpoint)")
        case .local(let count):
            let folder = try SocketFolder(parent: environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp")
            let link = try RouterLink(
                context: Context(), endpoint: folder.endpoint, largestFrame: frame, signals: signals)
            let cluster = LocalCluster(
                command: Command(
                    program: try currentExecutablePath(),
                    arguments: [
                        "worker", "--connect", "\(folder.endpoint)", "--threads", "\(configuration.threads)", "--child",
                        // It lives as long as we do, however long the dataset takes to come.
                        "--patience", "0",
                    ], environment: environment),
                // Only where they fill the machine: half of it may be meant for somebody else.
                coresPerWorker: count * configuration.threads == Machine.cores ? configuration.threads : nil,
                log: display.say)
            link.cluster = cluster
            (self.cluster, socketFolder, socketLock, expected) = (cluster, folder, nil, count)
            gatheringTime = Self.ownWorkersTime
            shell = CoordinatorShell(link: link, network: network, build: build, notify: display.sayLocally(notice:))
            try cluster.start(count, link: link)
        }
    }

    /// Waits until everybody who was started is there, but not for ever: a run needs only one. In a cluster until as many
    /// as wanted have come, however long that takes.
    func gather() throws {
        if gatheringTime == nil { display.say("waiting for \(expected) worker\(expected == 1 ? "" : "s") to connect") }
        try shell.awaitWorkers(expected, until: gatheringTime.map { MonotonicClock.now() + $0 } ?? .max)
    }

    /// A look at the link in the middle of other work. Throws `StopRequest` when the user wants to stop.
    func attend() throws {
        if let signal = signals.received { throw StopRequest(signal: signal) }
        if !isDismissed { try shell.attend() }
    }

    /// Peak resident bytes of the local workers, by process id.
    var workerMemory: [(processID: Int32, peakResidentBytes: Int?)] {
        (cluster?.processIDs ?? []).map { ($0, Machine.peakResidentBytes(of: $0)) }
    }

    /// Sends everybody home and ends the processes that were started here.
    func dismiss(_ reason: GoodbyeReason) {
        guard !isDismissed else { return }
        isDismissed = true
        try? shell.stop(reason)
        cluster?.stop()
    }
}

extension ProgressDisplay {
    /// Local workers come and go with the run: only troubles are news.
    func sayLocally(notice: ClusterNotice) {
        switch notice {
        case .joined: break
        case .lost, .refused, .dropped, .workersBack, .noWorkers: say(notice: notice)
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
        }
    }
}

/// A folder of mode 0700 for the socket of a local run.
private final class SocketFolder {
    let endpoint: Endpoint
    private let path: String

    init(parent: String) throws {
        var template = Array("\(parent)/siamese-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw RunFailure(
                .cannotCreateOutput,
                "cannot create a folder for the workers' socket in \(parent): \(String(cString: strerror(errno))). "
                    + "Set TMPDIR to a folder that can be written")
        }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        do {
            endpoint = try Endpoint(parsing: "ipc://\(path)/socket")
        } catch {
            rmdir(path)
            throw RunFailure(.unavailable, "\(error)")
        }
    }

    deinit {
        unlink("\(path)/socket")
        rmdir(path)
    }
}

/// libzmq takes over a socket file that is there already, whoever listens on it: a lock beside it says that somebody does.
private final class SocketLock {
    private let lock: FileLock

    /// Nil for an address that is no file.
    init?(_ endpoint: Endpoint) throws {
        guard case .ipc(let path) = endpoint, !path.hasPrefix("@") else { return nil }
        do {
            lock = try FileLock(path: path + ".lock")
        } catch {
            throw RunFailure(
                .unavailable, "cannot listen on \(endpoint): \(error) Another coordinator may be listening there")
        }
    }
}
