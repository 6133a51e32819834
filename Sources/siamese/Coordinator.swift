// `siamese coordinator`: the main job for workers on other machines.
internal import ArgumentParser
internal import Messaging
internal import Runtime

struct Coordinator: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a network with whatever workers connect.",
        discussion: """
            Workers may come and go at any time; without any, the run waits. Only addresses of this machine are accepted \
            so far: encryption comes with keys.
            """)

    @OptionGroup var training: TrainingOptions

    @Option(help: "Address to listen on, for example tcp://127.0.0.1:5555.")
    var listen: String

    @Option(help: "Workers to wait for before the first step; more may come and go later.")
    var workers = 1

    /// Where to listen. `localhost` is the name of an address, and libzmq binds to addresses and interfaces only.
    private func endpoint() throws(EndpointError) -> Endpoint {
        let endpoint = try Endpoint(parsing: listen)
        guard case .tcp(host: "localhost", let port) = endpoint else { return endpoint }
        return .tcp(host: "127.0.0.1", port: port)
    }

    mutating func validate() throws {
        guard (1...100_000).contains(workers) else { throw ValidationError("--workers must be from 1 to 100000.") }
        do {
            let endpoint = try endpoint()
            if case .inproc = endpoint {
                throw ValidationError("--listen: nobody outside this process can reach \(listen).")
            }
            guard endpoint.isLoopback else {
                throw ValidationError(
                    "--listen \(listen) can be reached from other machines, and the link is not encrypted yet. Listen on "
                        + "127.0.0.1 and forward the port over SSH, for instance: "
                        + "ssh -R 5555:127.0.0.1:5555 HOST siamese worker --connect tcp://127.0.0.1:5555")
            }
        } catch let error as EndpointError {
            throw ValidationError("--listen: \(error)")
        }
    }

    func run() throws {
        requireInstructions()
        do {
            training.run(.remote(listen: try endpoint(), wanted: workers), threads: 1)
        } catch {
            leave(with: RunFailure(error))
        }
    }
}
