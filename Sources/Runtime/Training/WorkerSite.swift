// Where the workers of a run are: in this process, in processes of its own, or anywhere. Brings up the link to them and whatever has to
// live as long as it; what is said over it is not known here.
internal import Coordination
internal import Glibc
internal import Messaging
internal import ModelCore
internal import Storage

/// A link to workers, and what belongs to it.
struct WorkerSite {
    /// What all kinds of sites are made with.
    struct Conditions {
        let configuration: TrainingConfiguration
        let environment: [String: String]
        let build: BuildIdentity
        let signals: SignalWatch
        let display: ProgressDisplay

        /// Bytes; the most that a worker of this network has to say in one frame.
        var largestFrame: Int {
            max(ParameterLayout(configuration.network).paddedCount * 4, MessageLimits.maximumHeaderBytes)
        }
    }

    private static let ownWorkersTime: UInt64 = 5_000_000_000

    let link: any WorkerLink
    let expected: Int
    /// How long to wait for all that are expected, in nanoseconds; nil: strangers may take as long as they like.
    let gatheringTime: UInt64?
    /// The processes that were started here.
    var cluster: LocalCluster?
    /// Starts them, or invites those that others start.
    var start: () throws -> Void = {}
    /// Tells workers on other machines where to connect.
    var announce: () throws -> Void = {}
    /// The socket's folder, or the lock that keeps a second coordinator from taking over the socket's file.
    private var belongings: AnyObject?

    /// Whether anybody but our own worker may have something to say.
    var isReachable: Bool { !(link is InProcessLink) }

    static func inProcess(_ conditions: Conditions) throws -> WorkerSite {
        let link = try InProcessLink(
            build: conditions.build, threads: conditions.configuration.threads, signals: conditions.signals)
        return WorkerSite(link: link, expected: 1, gatheringTime: ownWorkersTime)
    }

    static func remote(_ workforce: RemoteWorkforce, _ conditions: Conditions) throws -> WorkerSite {
        let lock = try SocketLock(workforce.listen)
        let link = try RouterLink(
            context: Context(), endpoint: workforce.listen, largestFrame: conditions.largestFrame,
            signals: conditions.signals, keys: workforce.keys, say: conditions.display.say)
        let address = workforce.announcement.address(of: link.endpoint, machine: Machine.name)
        let key = workforce.keys == nil ? "" : " --key FILE"
        let invitation = "listening on \(link.endpoint): connect with  siamese worker --connect \(address)\(key)"
        return WorkerSite(
            link: link, expected: workforce.wanted, gatheringTime: nil, start: { conditions.display.say(invitation) },
            announce: { try workforce.announcement.publish(address) }, belongings: lock)
    }

    static func local(_ count: Int, _ conditions: Conditions) throws -> WorkerSite {
        let (environment, threads) = (conditions.environment, conditions.configuration.threads)
        let folder = try SocketFolder(parent: environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp")
        let link = try RouterLink(
            context: Context(), endpoint: folder.endpoint, largestFrame: conditions.largestFrame,
            signals: conditions.signals)
        let cluster = LocalCluster(
            command: Command(
                program: try currentExecutablePath(),
                arguments: [
                    "worker", "--connect", "\(folder.endpoint)", "--threads", "\(threads)", "--child",
                    // It lives as long as we do, however long the dataset takes to come.
                    "--patience", "0",
                ], environment: environment),
            // Only where they fill the machine: half of it may be meant for somebody else.
            coresPerWorker: count * threads == Machine.cores ? threads : nil,
            log: conditions.display.say)
        link.cluster = cluster
        return WorkerSite(
            link: link, expected: count, gatheringTime: ownWorkersTime, cluster: cluster,
            start: { try cluster.start(count, link: link) }, belongings: folder)
    }
}

/// A folder of mode 0700 for the socket of a local run.
private final class SocketFolder {
    let endpoint: Endpoint
    private let path: String

    init(parent: String) throws {
        var template = Array("\(parent)/\(SocketFolderName.prefix)XXXXXX".utf8CString)
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
final class SocketLock {
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
