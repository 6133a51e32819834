// The program: `siamese SUBCOMMAND …`. Subcommands are one file each; this one only lists them and ends the process.
internal import ArgumentParser
internal import Glibc
internal import Runtime

@main
struct Siamese: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "siamese",
        abstract: "Train networks that learn a latent space of images, data-parallel over ZeroMQ, to the last bit.",
        version: programVersion,
        subcommands: [
            Train.self, Coordinator.self, Worker.self, Relay.self, Evaluate.self, Embed.self, Search.self,
            Generate.self, Export.self, Plot.self, Compare.self, Status.self, Keygen.self, Bench.self,
        ])

    /// As argument-parser's own, but wrong usage is one line like every other failure.
    static func main() {
        holdStandardDescriptors()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            let status = exitCode(for: error)
            guard status == .validationFailure else { exit(withError: error) }
            let sentence = message(for: error).split(separator: "\n").joined(separator: " ")
            complain("\(sentence) (siamese help SUBCOMMAND lists the options)")
            Glibc.exit(status.rawValue)
        }
    }
}
