// `siamese worker`: computes for a coordinator. Needs no dataset and writes no file.
internal import ArgumentParser
internal import Messaging
internal import Runtime

struct Worker: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compute gradients for a coordinator.",
        discussion: "Needs no dataset and no configuration: all it computes on comes from the coordinator.")

    @OptionGroup var coordinator: CoordinatorPlaceOptions

    @Option(help: "File of this worker's key, from siamese keygen (default: $SIAMESE_KEY).")
    var key: String?

    @Flag(help: "Without key and encryption, also to a coordinator on another machine.")
    var insecure = false

    @Option(help: "Threads to compute on.")
    var threads = 1

    @Option(help: "Seconds to wait for the coordinator's address, and then for its first answer; 0: for ever.")
    var patience = 10.0

    @Option(help: "What the coordinator calls this worker (default: the host's name).")
    var name: String?

    @Flag(help: .hidden)
    var child = false

    @Option(help: .hidden)
    var firstCore: Int?

    mutating func validate() throws {
        try require("--threads", threads, in: 1...1024)
        guard patience >= 0, patience <= 1e9 else { throw ValidationError("--patience must not be negative.") }
        if case .address(let endpoint) = try coordinator.place() {
            try KeyRequirement.check(endpoint, isInsecure: insecure, keys: keyFile(), advice: Self.keyAdvice)
        }
    }

    private static let keyAdvice =
        "Give this worker its own with --key FILE; siamese keygen makes them, on the coordinator's machine."

    /// The children of `siamese train` speak to their parent: whatever keys there are are meant for others.
    private func keyFile() throws -> String? {
        child ? nil : try KeyRequirement.value(key, variable: "SIAMESE_KEY", isInsecure: insecure)
    }

    func run() throws {
        requireInstructions()
        // A child's service manager, if there is one, is its parent's: nobody waits for the child.
        let service = child ? nil : ServiceNotifier(environment: processEnvironment(), complain: complain)
        service?.ready()
        do {
            let connectLimit = patience > 0 ? patience : nil
            let endpoint = try coordinator.place().resolve(patience: connectLimit, service: service)
            if insecure { KeyRequirement.warn(endpoint) }
            let keyFile = try keyFile()
            if let objection = KeyRequirement.objection(
                to: endpoint, isInsecure: insecure, keys: keyFile, advice: Self.keyAdvice)
            {
                throw RunFailure(.badConfiguration, objection)
            }
            let keys = try keyFile.map { (path) throws(KeyError) in try ClientKeys(readingFrom: path) }
            let options = WorkerOptions(
                coordinator: endpoint, keys: keys, threads: threads, name: name ?? Machine.name,
                connectLimit: connectLimit, isChild: child,
                firstCore: firstCore)
            try runWorker(options, service: service) { complain($0) }
            service?.stopping("the run is over")
        } catch {
            let failure = RunFailure(error)
            service?.stopping(failure.description)
            leave(with: failure)
        }
    }
}
