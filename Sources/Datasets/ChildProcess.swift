// Runs one program to its end, with a deadline and without a shell. Not a general process library: standard output is
// captured, standard input is empty.
import Glibc

/// How a program ended.
enum ChildOutcome: Equatable {
    case exited(Int32, output: String)
    case signalled(Int32)
    case notStarted(code: Int32)
    case outOfTime
}

/// Starts `executable`, captures at most 64 KiB of its standard output, and waits for its end; past the deadline it is
/// killed.
///
/// - Parameters:
///   - arguments: without the program's own name.
///   - showsErrors: whether its standard error is ours; else it is dropped.
///   - isCancelled: asked ten times a second; when it says yes, the program is killed as if out of time.
func runChild(
    _ executable: String, _ arguments: [String], environment: [String: String], showsErrors: Bool, deadline: Duration,
    isCancelled: () -> Bool
) -> ChildOutcome {
    var ends: [Int32] = [-1, -1]
    // Not a pipe: only this call makes both ends close-on-exec at once, so that no other child inherits them.
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { return .notStarted(code: errno) }
    defer { close(ends[0]) }
    let end = ContinuousClock.now + deadline
    let started = spawn(
        executable, arguments, environment.map { "\($0.key)=\($0.value)" }, output: ends[1], showsErrors: showsErrors)
    close(ends[1])
    let child: pid_t
    switch started {
    case .success(let pid): child = pid
    case .failure(let error): return .notStarted(code: error.code)
    }
    let output = readToEnd(ends[0], until: end, isCancelled: isCancelled)
    if output == nil { kill(child, SIGKILL) }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    guard let output else { return .outOfTime }
    // The macros WIFEXITED, WEXITSTATUS and WTERMSIG of <sys/wait.h>.
    return status & 0x7f == 0 ? .exited(status >> 8 & 0xff, output: output) : .signalled(status & 0x7f)
}

private struct SpawnFailure: Error {
    let code: Int32
}

private func spawn(
    _ executable: String, _ arguments: [String], _ environment: [String], output: Int32, showsErrors: Bool
) -> Result<pid_t, SpawnFailure> {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    if !showsErrors { posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) }

    // A program that blocks or ignores signals for itself must not pass that on: Ctrl-C has to stop the child, too.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    for signal in [SIGINT, SIGTERM, SIGPIPE] { sigaddset(&signals, signal) }
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    var words = ([executable] + arguments).map { strdup($0) } + [nil]
    var variables = environment.map { strdup($0) } + [nil]
    defer { (words + variables).forEach { free($0) } }
    var child: pid_t = 0
    let code = posix_spawn(&child, executable, &actions, &attributes, &words, &variables)
    return code == 0 ? .success(child) : .failure(SpawnFailure(code: code))
}

/// Nil when the deadline passes, or `isCancelled` says so, before the writer has closed its end.
private func readToEnd(
    _ descriptor: Int32, until end: ContinuousClock.Instant, isCancelled: () -> Bool
) -> String? {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
        let left = (end - .now) / .milliseconds(1)
        guard left > 0, !isCancelled() else { return nil }
        var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&wait, 1, Int32(min(left.rounded(.up), 100))) > 0 else { continue }
        let count = read(descriptor, &chunk, chunk.count)
        if count == 0 { return String(decoding: bytes, as: UTF8.self) }
        if count > 0, bytes.count < 1 << 16 { bytes.append(contentsOf: chunk[..<count]) }
    }
}
