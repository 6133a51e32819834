// posix_spawn with everything a child must not inherit taken away. It starts programs; `ChildProcess` looks after them.

internal import CLinux
internal import Glibc

/// A program to be started.
package struct Command: Equatable, Sendable {
    /// A path; no search in PATH.
    package var program: String
    /// Without the program's own name.
    package var arguments: [String]
    /// All of the child's environment.
    package var environment: [String: String]

    package init(program: String, arguments: [String] = [], environment: [String: String]) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
    }
}

/// Starts `command` with the given standard input and error, and nothing else of ours:
/// standard output goes to /dev/null, every other descriptor is closed, signals have their default action and none is
/// blocked (an ignored signal and the mask would be inherited), and it leads a process group of its own, so that the
/// terminal's Ctrl-C reaches only the parent, who decides.
func spawn(
    _ command: Command, standardInput: FileDescriptor, standardError: FileDescriptor
) throws(ProcessError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }

    var status = describeDescriptors(&actions, standardInput: standardInput, standardError: standardError)
    if status == 0 { status = describeSignals(&attributes) }
    var process = pid_t()
    if status == 0 { status = start(command, &actions, &attributes, &process) }
    guard status == 0 else { throw ProcessError(attempt: "start \(command.program)", code: status) }
    return process
}

/// - Returns: 0 or an errno value.
private func describeDescriptors(
    _ actions: inout posix_spawn_file_actions_t, standardInput: FileDescriptor, standardError: FileDescriptor
) -> Int32 {
    for (from, to) in [(standardInput.number, STDIN_FILENO), (standardError.number, STDERR_FILENO)] {
        let status = posix_spawn_file_actions_adddup2(&actions, from, to)
        if status != 0 { return status }
    }
    let status = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
    if status != 0 { return status }
    return posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1)
}

/// - Returns: 0 or an errno value.
private func describeSignals(_ attributes: inout posix_spawnattr_t) -> Int32 {
    var (every, none) = (sigset_t(), sigset_t())
    sigfillset(&every)
    sigemptyset(&none)
    let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
    for status in [
        posix_spawnattr_setsigdefault(&attributes, &every), posix_spawnattr_setsigmask(&attributes, &none),
        posix_spawnattr_setpgroup(&attributes, 0), posix_spawnattr_setflags(&attributes, Int16(flags)),
    ] where status != 0 {
        return status
    }
    return 0
}

/// - Returns: 0 or an errno value.
private func start(
    _ command: Command, _ actions: inout posix_spawn_file_actions_t, _ attributes: inout posix_spawnattr_t,
    _ process: inout pid_t
) -> Int32 {
    let environment = command.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return withCStrings([command.program] + command.arguments) { arguments in
        withCStrings(environment) { environment in
            posix_spawn(&process, command.program, &actions, &attributes, arguments, environment)
        }
    }
}

/// Calls `body` with a null-terminated array of C strings, as exec wants them.
private func withCStrings<Value>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Value
) -> Value {
    let copies = strings.map { strdup($0) } + [nil]
    defer { for copy in copies { free(copy) } }
    return copies.withUnsafeBufferPointer { buffer in
        // Never nil: it holds at least the terminator.
        buffer.baseAddress.map(body) ?? body([nil])
    }
}
