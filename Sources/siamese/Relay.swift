// `siamese relay`: one worker to its coordinator, a coordinator to its own workers. Needs no dataset and writes no file.
internal import ArgumentParser
internal import Messaging
internal import Runtime

struct Relay: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stand between a coordinator and workers: one connection for all of them.",
        discussion: """
            Workers, or further relays, connect to it as to a coordinator. It computes nothing: it passes the weights on, cuts \
            its shards into smaller ones and adds the gradients of its workers, with the same bits as without it. Worth its \
            while where the coordinator's network is the limit: docs/scaling.md.
            """)

    @Option(help: "Address to listen on for workers, for example tcp://127.0.0.1:5556.")
    var listen: String

    /// Or of another relay.
    @OptionGroup var coordinator: CoordinatorPlaceOptions

    @Option(help: "File of this relay's key for its coordinator, as a worker's (default: $SIAMESE_KEY).")
    var key: String?

    @Option(help: "Folder of keys for its workers, as a coordinator's (default: $SIAMESE_KEYS).")
    var keys: String?

    @Flag(help: "Without keys and encryption, also on addresses that other machines reach.")
    var insecure = false

    @Option(help: "Seconds to wait for the coordinator's address, and then for its first answer; 0: for ever.")
    var patience = 10.0

    @Option(help: "What the coordinator calls this relay (default: the host's name).")
    var name: String?

    mutating func validate() throws {
        guard patience >= 0, patience <= 1e9 else { throw ValidationError("--patience must not be negative.") }
        do {
            let listening = try listeningEndpoint()
            if case .inproc = listening {
                throw ValidationError("--listen: nobody outside this process can reach \(listen).")
            }
            try KeyRequirement.check(
                listening, isInsecure: insecure, keys: keyFolder(),
                advice: "Make some with  siamese keygen DIR  and give them with --keys DIR.")
        } catch let error as EndpointError {
            throw ValidationError("--listen: \(error)")
        }
        if case .address(let endpoint) = try coordinator.place() {
            try KeyRequirement.check(endpoint, isInsecure: insecure, keys: keyFile(), advice: Self.keyAdvice)
        }
    }

    private static let keyAdvice =
        "Give this relay its own with --key FILE; siamese keygen makes them, on the coordinator's machine."

    /// `localhost` is the name of an address, and libzmq binds to addresses and interfaces only.
    private func listeningEndpoint() throws(EndpointError) -> Endpoint {
        let endpoint = try Endpoint(parsing: listen)
        guard case .tcp(host: "localhost", let port) = endpoint else { return endpoint }
        return .tcp(host: "127.0.0.1", port: port)
    }

    private func keyFile() throws -> String? {
        try KeyRequirement.value(key, variable: "SIAMESE_KEY", isInsecure: insecure)
    }

    private func keyFolder() throws -> String? {
        try KeyRequirement.value(keys, variable: "SIAMESE_KEYS", isInsecure: insecure)
    }

    func run() throws {
        requireInstructions()
        do {
            let connectLimit = patience > 0 ? patience : nil
            if try keyFolder() != nil { ReloadWatch.expect() }
            let listening = try listeningEndpoint()
            let above = try coordinator.place().resolve(patience: connectLimit, service: nil)
            if insecure { [above, listening].forEach(KeyRequirement.warn) }
            let keyFile = try keyFile()
            if let objection = KeyRequirement.objection(
                to: above, isInsecure: insecure, keys: keyFile, advice: Self.keyAdvice)
            {
                throw RunFailure(.badConfiguration, objection)
            }
            let options = RelayOptions(
                coordinator: above,
                key: try keyFile.map { (path) throws(KeyError) in try ClientKeys(readingFrom: path) },
                listen: listening,
                keys: try keyFolder().map { (folder) throws(KeyError) in try ServerKeys(readingFrom: folder) },
                name: name ?? Machine.name, connectLimit: connectLimit)
            try runRelay(options)
        } catch {
            leave(with: RunFailure(error))
        }
    }
}
