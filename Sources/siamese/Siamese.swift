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

/// Ends the process with a failure's message and exit code.
func leave(with failure: RunFailure) -> Never {
    complain(failure.description)
    exit(failure.code)
}

/// One line on standard output. It is a result, so that it could not be written is a failure.
func tell(_ text: String) throws(RunFailure) {
    signal(SIGPIPE, SIG_IGN)
    var line = text + "\n"
    let isWritten = line.withUTF8 { bytes in
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = write(
                STDOUT_FILENO, UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: rest)).baseAddress, rest.count)
            if count < 0 && errno != EINTR { return false }
            rest = rest.dropFirst(max(count, 0))
        }
        return true
    }
    guard !isWritten else { return }
    throw RunFailure(
        .cannotCreateOutput,
        "cannot write to standard output: \(String(cString: strerror(errno))). It would have said: \(text)")
}

/// One line on standard error. A closed pipe there is nobody's problem, and one that nobody reads is not waited for long.
func complain(_ text: String) {
    var line = "siamese: \(text)\n"
    var request = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
    guard poll(&request, 1, 1000) == 1 else { return }
    line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
