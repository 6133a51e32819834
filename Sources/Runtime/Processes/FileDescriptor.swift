// A file descriptor that closes itself, and the pipes made of them. Only what child processes and signals need.

internal import CLinux
internal import Glibc

/// Owns a file descriptor. Not Sendable: whoever closes it must be its only user.
final class FileDescriptor {
    let number: Int32

    init(owning number: Int32) {
        self.number = number
    }

    deinit {
        close(number)
    }

    /// A pipe, neither end of which is inherited by another program: not even by one started at the same moment.
    static func pipe() throws(ProcessError) -> (output: FileDescriptor, input: FileDescriptor) {
        var ends: [Int32] = [-1, -1]
        guard pipe2(&ends, O_CLOEXEC) == 0 else { throw ProcessError(attempt: "make a pipe", code: errno) }
        let (output, input) = (FileDescriptor(owning: ends[0]), FileDescriptor(owning: ends[1]))
        return (try output.aboveStandard(), try input.aboveStandard())
    }

    /// The same for a signal handler that wakes a loop: nobody ever waits for either end.
    static func wakePipe() throws(ProcessError) -> (output: FileDescriptor, input: FileDescriptor) {
        let (output, input) = try pipe()
        try output.makeNonBlocking()
        try input.makeNonBlocking()
        return (output, input)
    }

    /// Moves it above 2, where giving a child its standard descriptors cannot overwrite it. It is only ever below when
    /// this program was started with one of them closed.
    private func aboveStandard() throws(ProcessError) -> FileDescriptor {
        guard number <= STDERR_FILENO else { return self }
        let moved = fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
        guard moved >= 0 else { throw ProcessError(attempt: "move descriptor \(number)", code: errno) }
        return FileDescriptor(owning: moved)
    }

    func makeNonBlocking() throws(ProcessError) {
        let flags = fcntl(number, F_GETFL)
        guard flags >= 0, fcntl(number, F_SETFL, flags | O_NONBLOCK) == 0 else {
            throw ProcessError(attempt: "make descriptor \(number) non-blocking", code: errno)
        }
    }

    enum Reading {
        case bytes(ArraySlice<UInt8>)
        case nothingYet
        case end
    }

    /// What can be read now, 4 KiB at most. An error is an end: there is nothing more to be had.
    func read() -> Reading {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(number, &buffer, buffer.count)
            if count > 0 { return .bytes(buffer[..<count]) }
            if count == 0 { return .end }
            if errno == EAGAIN { return .nothingYet }
            if errno != EINTR { return .end }
        }
    }
}

/// Waits until the descriptor (negative: none) is readable or at its end; true if it is, false after `milliseconds` or
/// a signal.
func waitForInput(on number: Int32, milliseconds: Int32) -> Bool {
    var item = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
    return poll(&item, 1, milliseconds) > 0
}

/// Every connection takes a descriptor, and strangers take some too: as many as this process may have, instead of the 1024 of most
/// shells. A refusal is ignored.
func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
