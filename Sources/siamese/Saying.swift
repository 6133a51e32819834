// What the program says: results on standard output, everything else on standard error.
internal import Artifacts
internal import Glibc
internal import Runtime

/// Ends the process with a failure's message and exit code.
func leave(with failure: RunFailure) -> Never {
    complain(failure.description)
    exit(failure.code)
}

/// One line on standard output. It is a result, so that it could not be written is a failure.
func tell(_ text: String) throws(RunFailure) {
    signal(SIGPIPE, SIG_IGN)
    if let reason = write(Array((text + "\n").utf8)) {
        throw RunFailure(
            .cannotCreateOutput, "cannot write to standard output: \(reason). It would have said: \(text)")
    }
}

/// All of it to standard output, or the end of the process: quietly, where a reader has seen enough and closed its pipe.
func writeOutput(_ bytes: [UInt8]) {
    if let reason = write(bytes) {
        leave(with: RunFailure(.cannotCreateOutput, "cannot write to standard output: \(reason)"))
    }
}

/// The result of a command that measures: a table with the paths of its pictures below, or JSON, which has them inside.
func writeResult(
    asJSON: Bool, _ json: @autoclosure () -> JSONValue, table: @autoclosure () -> String, pictures: [String]
) {
    guard !asJSON else { return writeOutput(json().pretty()) }
    let paths = pictures.map { "picture \($0)\n" }.joined()
    writeOutput(Array((table() + (paths.isEmpty ? "" : "\n" + paths)).utf8))
}

/// One line on standard error that is no failure.
func note(_ text: String) { writeError("note: \(text)\n") }

/// One line on standard error, of a failure.
func complain(_ text: String) { writeError("siamese: \(text)\n") }

/// Returns why not all of it could be written to standard output.
private func write(_ bytes: [UInt8]) -> String? {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
        if count < 0 && errno != EINTR { return String(cString: strerror(errno)) }
        rest = rest.dropFirst(max(count, 0))
    }
    return nil
}

/// A closed pipe there is nobody's problem, and one that nobody reads is not waited for long.
private func writeError(_ line: String) {
    var line = line
    var request = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
    guard poll(&request, 1, 1000) == 1 else { return }
    line.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
