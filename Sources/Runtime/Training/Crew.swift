// Brings up whoever computes: the link, the coordinator's shell over it, and on this machine the worker processes.
internal import Coordination
internal import Glibc
internal import Messaging
internal import ModelCore

/// Coordinator and workers of one run.
final class Crew {
    let shell: CoordinatorShell
    private let cluster: LocalCluster?
    private let router: RouterLink?
    private let socketFolder: SocketFolder?
    private let expected: Int

    init(
        _ configuration: TrainingConfiguration, environment: [String: String], signals: SignalWatch,
        display: ProgressDisplay
    ) throws {
        let build = BuildIdentity.ofThisBuild()
        let network = configuration.network
        let frame = max(ParameterLayout(network).paddedCount * 4, MessageLimits.maximumHeaderBytes)
        switch configuration.workforce {
        case .inProcess:
            (cluster, router, socketFolder, expected) = (nil, nil, nil, 1)
            let link = try InProcessLink(build: build, threads: configuration.threads, signals: signals)
            shell = CoordinatorShell(link: link, network: network, build: build, notify: display.sayLocally(notice:))
        case .remote(let endpoint):
            let link = try RouterLink(
                context: Context(), endpoint: endpoint, largestFrame: frame, signals: signals)
            (cluster, router, socketFolder, expected) = (nil, link, nil, 1)
            shell = CoordinatorShell(link: link, network: network, build: build, notify: display.say(notice:))
            display.say("listening on \(link.endpoint): connect with  siamese worker --connect \(link.endpoint)")
        case .local(let count):
            let folder = try SocketFolder(parent: environment["TMPDIR"] ?? "/tmp")
            let link = try RouterLink(
                context: Context(), endpoint: folder.endpoint, largestFrame: frame, signals: signals)
            let cluster = LocalCluster(
                command: Command(
                    program: try currentExecutablePath(),
                    arguments: [
                        "worker", "--connect", "\(folder.endpoint)", "--threads", "\(configuration.threads)", "--child",
                    ], environment: environment), log: display.say)
            link.cluster = cluster
            (self.cluster, router, socketFolder, expected) = (cluster, link, folder, count)
            shell = CoordinatorShell(link: link, network: network, build: build, notify: display.sayLocally(notice:))
            try cluster.start(count, link: link)
        }
    }

    /// Waits until everybody who was started is there; in a cluster, until somebody is.
    func gather() throws {
        if cluster != nil || router == nil {
            try shell.awaitWorkers(expected, until: MonotonicClock.now() + 5_000_000_000)
        }
    }

    func stepDone(_ step: Int) { cluster?.stepsDone = step }

    /// Peak resident bytes of the local workers, by process id.
    var workerMemory: [(processID: Int32, peakResidentBytes: Int?)] {
        (cluster?.processIDs ?? []).map { ($0, Machine.peakResidentBytes(of: $0)) }
    }

    /// Sends everybody home and ends the processes that were started here.
    func dismiss(_ reason: GoodbyeReason) {
        try? shell.stop(reason)
        cluster?.stop()
        socketFolder?.remove()
    }
}

extension ProgressDisplay {
    /// Local workers come and go with the run: only troubles are news.
    func sayLocally(notice: ClusterNotice) {
        switch notice {
        case .joined, .workersBack, .noWorkers: break
        case .lost, .refused, .dropped: say(notice: notice)
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

    func remove() {
        unlink("\(path)/socket")
        rmdir(path)
    }
}
