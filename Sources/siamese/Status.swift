// `siamese status`: how a run stands, and which of its workers is slow.
internal import ArgumentParser
internal import Artifacts
internal import Glibc
internal import Messaging
internal import Runtime

struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show how a run stands, and which of its workers is slow.",
        discussion: """
            Asks a coordinator, which is not disturbed by it. Times are those of each worker's last 128 shards: compute, \
            wait (it had nothing to do) and wire (its shards' way there and back) in the median and, where there is room, \
            the 95th percentile. The slowest worker comes first.
            """)

    @Argument(
        help: ArgumentHelp(
            "Address of the coordinator, for example tcp://127.0.0.1:5555 (default: $SIAMESE_COORDINATOR, or the one run of "
                + "siamese train that you have on this machine).", valueName: "address"))
    var address: String?

    @Option(
        help: ArgumentHelp(
            "File of a key that the coordinator admits, any worker's (default: $SIAMESE_KEY, but not for a run of siamese train "
                + "that was found on this machine)."))
    var key: String?

    @Flag(help: "Without key and encryption, also to a coordinator on another machine.")
    var insecure = false

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    @Option(help: "Ask again after so many seconds, until the run is over.")
    var watch: Double?

    @Option(help: "Seconds to wait for an answer.")
    var patience = 5.0

    mutating func validate() throws {
        // Written so that NaN is refused.
        guard (0.1...86400).contains(watch ?? 1) else { throw ValidationError("--watch must be from 0.1 to 86400.") }
        guard (0.01...86400).contains(patience) else { throw ValidationError("--patience must be from 0.01 to 86400.") }
    }

    func run() throws {
        let (coordinator, isFound) = try coordinator()
        // The socket of a local run is its owner's alone: the key in the environment is meant for others.
        let keyFile =
            isFound && key == nil
            ? nil : try KeyRequirement.value(key, variable: "SIAMESE_KEY", isInsecure: insecure)
        try KeyRequirement.check(
            coordinator, isInsecure: insecure, keys: keyFile, advice: "Give one that it admits with --key FILE.")
        if insecure { KeyRequirement.warn(coordinator) }
        do {
            let keys = try keyFile.map { (path) throws(KeyError) in try ClientKeys(readingFrom: path) }
            while true {
                // A connection for every question: the end of a run waits until everybody has hung up.
                let client = try StatusClient(coordinator: coordinator, keys: keys)
                switch try client.ask(patience: patience) {
                case .over(let sentence): return complain(sentence)
                case .status(let status, let document): show(status, document)
                }
                guard let watch else { return }
                usleep(UInt32(min(watch, 3600) * 1e6))
            }
        } catch {
            leave(with: RunFailure(error))
        }
    }

    /// The one that was named, or the only one there is, which is then said to be found.
    private func coordinator() throws -> (Endpoint, isFound: Bool) {
        let variable = CoordinatorPlace.variable
        if let address { return (try Self.connectable(address, "ADDRESS"), false) }
        if let address = processEnvironment()[variable], !address.isEmpty {
            return (try Self.connectable(address, variable), false)
        }
        let runs = localRuns()
        if let run = runs.first, runs.count == 1 { return (run, true) }
        guard runs.isEmpty else {
            let list = runs.map { "\($0)" }.joined(separator: ", ")
            throw ValidationError("there are several runs on this machine; say which: \(list)")
        }
        throw ValidationError(
            "which run? Give the coordinator's address, or set \(variable); no siamese train of yours runs on this machine."
        )
    }

    private static func connectable(_ text: String, _ source: String) throws -> Endpoint {
        do {
            let endpoint = try Endpoint(parsing: text)
            try endpoint.requireConnectable()
            if case .inproc = endpoint { throw ValidationError("\(source): \(text) is inside another process.") }
            return endpoint
        } catch let error as EndpointError {
            throw ValidationError("\(source): \(error)")
        }
    }

    private func show(_ status: RunStatus, _ document: [UInt8]) {
        if json {
            let compact = document + Array("\n".utf8)
            // Of a series, a line each.
            return writeOutput(watch == nil ? (try? JSONValue(parsing: document).pretty()) ?? compact : compact)
        }
        let isTerminal = isatty(STDOUT_FILENO) == 1
        let isColoured = isTerminal && (processEnvironment()["NO_COLOR"] ?? "").isEmpty
        let table = StatusTable(
            status, width: isTerminal ? terminalWidth(of: STDOUT_FILENO) : 80, isColoured: isColoured)
        guard watch != nil else { return writeOutput(Array(table.text.utf8)) }
        // In place of the one before.
        writeOutput(Array(((isTerminal ? "\u{1B}[H\u{1B}[2J" : "") + table.text + (isTerminal ? "" : "\n")).utf8))
    }
}
