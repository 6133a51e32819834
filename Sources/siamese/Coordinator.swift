// `siamese coordinator`: the main job for workers on other machines.
internal import ArgumentParser
internal import Messaging
internal import Runtime

struct Coordinator: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a network with whatever workers connect.",
        discussion: """
            Workers may come and go at any time; without any, the run waits. On addresses that other machines reach, \
            workers prove a key, and everything is encrypted: siamese keygen makes the keys.
            """)

    @OptionGroup var training: TrainingOptions

    @Option(help: "Address to listen on, for example tcp://0.0.0.0:5555.")
    var listen: String

    @Option(help: "Folder of keys, from siamese keygen (default: $SIAMESE_KEYS); SIGHUP reads DIR/admitted again.")
    var keys: String?

    @Flag(help: "Without keys and encryption, also on addresses that other machines reach.")
    var insecure = false

    @OptionGroup var announcement: AnnouncementOptions

    @Option(help: "Workers to wait for before the first step; more may come and go later.")
    var workers = 1

    /// Where to listen. `localhost` is the name of an address, and libzmq binds to addresses and interfaces only.
    private func endpoint() throws(EndpointError) -> Endpoint {
        let endpoint = try Endpoint(parsing: listen)
        guard case .tcp(host: "localhost", let port) = endpoint else { return endpoint }
        return .tcp(host: "127.0.0.1", port: port)
    }

    private func keyFolder() throws -> String? {
        try KeyRequirement.value(keys, variable: "SIAMESE_KEYS", isInsecure: insecure)
    }

    mutating func validate() throws {
        try require("--workers", workers, in: 1...100_000)
        do {
            let endpoint = try endpoint()
            if case .inproc = endpoint {
                throw ValidationError("--listen: nobody outside this process can reach \(listen).")
            }
            try KeyRequirement.check(
                endpoint, isInsecure: insecure, keys: keyFolder(),
                advice: "Make some with  siamese keygen DIR  and give them with --keys DIR.")
        } catch let error as EndpointError {
            throw ValidationError("--listen: \(error)")
        }
    }

    func run() throws {
        requireInstructions()
        do {
            let endpoint = try endpoint()
            if insecure { KeyRequirement.warn(endpoint) }
            if try keyFolder() != nil { ReloadWatch.expect() }
            let serverKeys = try keyFolder().map { (folder) throws(KeyError) in try ServerKeys(readingFrom: folder) }
            let workforce = RemoteWorkforce(
                listen: endpoint, wanted: workers, keys: serverKeys, announcement: try announcement.announcement())
            training.run(.remote(workforce), threads: 1)
        } catch {
            leave(with: RunFailure(error))
        }
    }
}
