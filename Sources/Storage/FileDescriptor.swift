// An open file that closes itself, with whole reads and writes. No buffering; internal to this room.
import Glibc

/// A POSIX file descriptor owned by this value. Calls interrupted by a signal are taken up again, and partial writes
/// are finished.
struct FileDescriptor: ~Copyable {
    private let number: Int32
    let path: String

    /// - Parameter flags: as for `open(2)`; close-on-exec is added, so that no child process inherits the file.
    init(path: String, flags: Int32, mode: mode_t = 0o666, operation: FileError.Operation = .open) throws(FileError) {
        let opened = retrying { open(path, flags | O_CLOEXEC, mode) }
        guard opened >= 0 else { throw FileError(path: path, operation: operation, code: errno) }
        number = opened
        self.path = path
    }

    deinit {
        close(number)
    }

    /// Length in bytes, as the file system tells it (0 for pipes and devices).
    func size() throws(FileError) -> Int {
        var status = stat()
        guard fstat(number, &status) == 0 else { throw failure(.read) }
        return Int(status.st_size)
    }

    /// Kind and permissions (`st_mode`).
    func mode() throws(FileError) -> mode_t {
        var status = stat()
        guard fstat(number, &status) == 0 else { throw failure(.read) }
        return status.st_mode
    }

    /// Reads at most `buffer.count` bytes; 0 at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        let count = retrying { Glibc.read(number, buffer.baseAddress, buffer.count) }
        guard count >= 0 else { throw failure(.read) }
        return count
    }

    /// Writes all of `bytes`, in as many calls as it takes.
    func writeAll(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest)
            let count = retrying { Glibc.write(number, piece.baseAddress, piece.count) }
            guard count >= 0 else { throw failure(.write) }
            rest = rest.dropFirst(count)
        }
    }

    /// Returns once the bytes are on the disk. A file system that cannot do this for folders (`EINVAL`) is taken as it
    /// is.
    func sync() throws(FileError) {
        guard retrying({ fsync(number) }) == 0 || errno == EINVAL else { throw failure(.sync) }
    }

    /// Cuts the file, or lengthens it with zeros, to `size` bytes.
    func truncate(to size: Int) throws(FileError) {
        guard retrying({ ftruncate(number, off_t(size)) }) == 0 else { throw failure(.truncate) }
    }

    /// Takes the file's lock, which ends with this value, or fails at once (`EWOULDBLOCK`).
    func lock() throws(FileError) {
        guard flock(number, LOCK_EX | LOCK_NB) == 0 else { throw failure(.lock) }
    }

    private func failure(_ operation: FileError.Operation) -> FileError {
        FileError(path: path, operation: operation, code: errno)
    }
}

/// The result of `call`, which is repeated while a signal interrupts it.
func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}
