// `siamese keygen`: makes the keys of a cluster, and says what belongs where.
internal import ArgumentParser
internal import Runtime

struct Keygen: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make the keys with which a coordinator and its workers know each other.",
        discussion: """
            Run it where the coordinator will run. Run it again with other names for workers that come later: no key is \
            ever overwritten. To lock a worker out, remove its file from DIR/admitted and send the coordinator SIGHUP.
            """)

    @Argument(help: ArgumentHelp("Folder for the keys; made if it is missing.", valueName: "dir"))
    var folder: String

    @Option(help: "Number of worker keys, named worker-1, worker-2, … (default: 1).")
    var workers: Int?

    @Option(help: "Names of worker keys instead, with commas: node1,node2.")
    var names: String?

    mutating func validate() throws {
        guard !folder.isEmpty else { throw ValidationError("DIR must name a folder.") }
        try require("--workers", workers, in: 1...10_000)
        guard workers == nil || names == nil else { throw ValidationError("Give --workers or --names, not both.") }
    }

    private var workerNames: [String] {
        if let names { return names.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        return (1...(workers ?? 1)).map { "worker-\($0)" }
    }

    func run() throws {
        do {
            let keys = try makeKeys(in: folder, names: workerNames)
            print(keys.instructions)
        } catch {
            leave(with: RunFailure(error))
        }
    }
}

extension MadeKeys {
    /// What was made, and the next commands.
    fileprivate var instructions: String {
        let first = workers.first ?? "NAME"
        var lines = [
            isNewCoordinator
                ? "made the coordinator's key: \(coordinatorKey) (secret; it stays on this machine)"
                : "the coordinator has its key already: \(coordinatorKey)"
        ]
        lines += workers.map { "made a worker's key: \(workerKey($0)) (secret; for that machine only)" }
        lines += [
            "",
            "Copy each worker's key to its machine, and remove it here:",
            "    scp -p \(workerKey(first)) HOST:siamese.key && rm \(workerKey(first))",
            "",
            "Then, here and there:",
            "    siamese coordinator NETWORK DATASET --listen tcp://0.0.0.0:5555 --keys \(folder)",
            "    siamese worker --connect tcp://THIS-HOST:5555 --key siamese.key",
        ]
        if !isNewCoordinator {
            lines += ["", "A coordinator that runs already lets them in after  kill -HUP PID."]
        }
        lines += [
            "", "To lock a worker out: rm \(admitted)/NAME.pub, and kill -HUP the coordinator.",
        ]
        return lines.joined(separator: "\n")
    }
}
