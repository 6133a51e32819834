// A relay's process: the program's own, so that what is measured is what users run.
internal import ArgumentParser
internal import Messaging
internal import Runtime

struct RelayRole: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "relay", abstract: "As `siamese relay`.")

    @Option(help: "Where to listen.")
    var listen: String

    @Option(help: "The coordinator's address.")
    var connect: String

    func run() throws {
        let options = RelayOptions(
            coordinator: try Endpoint(parsing: connect), listen: try Endpoint(parsing: listen), name: "relay",
            connectLimit: 60)
        try runRelay(options)
    }
}
