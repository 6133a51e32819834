// A lock between processes: held as long as the value lives, and freed by the system when the process dies.
import Glibc

/// An advisory lock (`flock(2)`) on a file that exists for nothing else.
package struct FileLock: ~Copyable {
    private let file: FileDescriptor

    /// Never waits: a lock that another process holds is an error (`EWOULDBLOCK`).
    package init(path: String) throws(FileError) {
        let file = try FileDescriptor(path: path, flags: O_WRONLY | O_CREAT)
        try file.lock()
        self.file = file
    }

    /// Ends the lock; says in the code how far it reaches.
    package consuming func release() {}
}
