// `siamese worker`: computes for a coordinator. Needs no dataset and writes no file.
internal import ArgumentParser
internal import Glibc
internal import Messaging
internal import Runtime

struct Worker: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compute gradients for a coordinator.",
        discussion: "Needs no dataset and no configuration: all it computes on comes from the coordinator.")

    @Option(help: "Address of the coordinator, for example tcp://127.0.0.1:5555.")
    var connect: String

    @Option(help: "Threads to compute on.")
    var threads = 1

    @Option(help: "Seconds to wait for the first answer of a coordinator; 0: for ever.")
    var patience = 10.0

    @Option(help: "What the coordinator calls this worker (default: the host's name).")
    var name: String?

    @Flag(help: .hidden)
    var child = false

    @Option(help: .hidden)
    var firstCore: Int?

    mutating func validate() throws {
        guard (1...1024).contains(threads) else { throw ValidationError("--threads must be from 1 to 1024.") }
        guard patience >= 0, patience <= 1e9 else { throw ValidationError("--patience must not be negative.") }
        do {
            let endpoint = try Endpoint(parsing: connect)
            try endpoint.requireConnectable()
            if case .inproc = endpoint { throw ValidationError("--connect: \(connect) is inside another process.") }
        } catch let error as EndpointError {
            throw ValidationError("--connect: \(error)")
        }
    }

    func run() throws {
        requireInstructions()
        do {
            let options = WorkerOptions(
                coordinator: try Endpoint(parsing: connect), threads: threads, name: name ?? hostName(),
                connectLimit: patience > 0 ? patience : nil, isChild: child,
                firstCore: firstCore)
            try runWorker(options) { complain($0) }
        } catch {
            leave(with: RunFailure(error))
        }
    }
}

private func hostName() -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    gethostname(&buffer, 255)
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}
