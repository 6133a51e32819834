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

    mutating func validate() throws {
        do {
            let endpoint = try Endpoint(parsing: listen)
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
            training.run(.remote(listen: try Endpoint(parsing: listen)), threads: 1)
        } catch {
            leave(with: RunFailure(error))
        }
    }
}
