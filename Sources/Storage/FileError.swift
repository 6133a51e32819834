// What went wrong with a file, in a sentence that says what to do. The only error type of this room.
import Glibc

/// A system call on a file failed, or the file is not what the caller said it would be.
package struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was tried, in words that follow "cannot".
    package enum Operation: String, Sendable {
        case open
        case read
        case write
        case sync = "write to disk"
        case rename
        case remove
        case truncate
        case createOutputFolder = "create output folder"
        case writeInOutputFolder = "create output in"
        case lock
        case keepPrevious = "keep the previous"
    }

    package let path: String
    package let operation: Operation
    /// The `errno` of the call.
    package let code: Int32

    package init(path: String, operation: Operation, code: Int32) {
        self.path = path
        self.operation = operation
        self.code = code
    }

    package var description: String {
        "cannot \(operation.rawValue) \(path): \(String(cString: strerror(code))). \(advice)"
    }

    /// What a person can do about it.
    package var advice: String {
        switch code {
        case ENOENT: "Check the path: the file, or a folder on the way to it, does not exist."
        case EACCES, EPERM: "Check the permissions, or choose another folder."
        case EROFS: "The file system is read-only: choose another folder."
        case ENOSPC, EDQUOT: "Make room on that disk, or choose another folder."
        case ENOTDIR: "A part of the path is a file, not a folder: choose another path."
        case EISDIR: "That is a folder: name a file."
        case EMFILE, ENFILE: "Too many files are open: raise `ulimit -n`."
        case EFBIG where operation == .read: "The file is larger than allowed: check that it is the right one."
        case EFBIG: "Files may not grow so large here: raise `ulimit -f`, or choose another file system."
        case EINVAL: "Check that it is an ordinary file on a local disk and that nothing else changed it."
        case EWOULDBLOCK: "Another process is at work there: wait until it is done, then run this again."
        case EEXIST: "It is there already: choose another path, or remove it if you are sure."
        case EIO: "The disk or the network file system failed: look in the system log."
        default: "Check the path and the disk, then try again."
        }
    }
}

extension FileError {
    /// There is no such file now: never was, or, on a network file system, it has just been replaced.
    package var isAbsence: Bool { code == ENOENT || code == ESTALE }
}
