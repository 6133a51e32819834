// Files that only their owner may read: secrets. They are never replaced, only made anew.
import Glibc

/// Why a secret is not read.
package enum PrivateFileError: Error, Hashable, Sendable, CustomStringConvertible {
    case file(FileError)
    /// Others than its owner may read or write it; the last three digits of its mode.
    case openToOthers(path: String, mode: UInt32)
    case notAFile(path: String)

    package var description: String {
        switch self {
        case .file(let error): error.description
        case .openToOthers(let path, let mode):
            "\(path) is a secret, and others than its owner may open it (mode 0\(String(mode, radix: 8))). "
                + "Run  chmod 600 \(path)  and, if others could read it, make new keys"
        case .notAFile(let path): "\(path) is not a file"
        }
    }
}

/// All bytes of a file that nobody but its owner may open (mode 0600 or less). Looks at the opened file, not at its name, so
/// that it cannot be exchanged in between.
///
/// - Parameter limit: the most bytes to read; a larger file is an error (`EFBIG`)
package func readPrivateFile(at path: String, atMost limit: Int) throws(PrivateFileError) -> [UInt8] {
    var mode: mode_t = 0
    var bytes: [UInt8]?
    do throws(FileError) {
        // Not waiting for a writer, if it is a named pipe.
        let file = try FileDescriptor(path: path, flags: O_RDONLY | O_NONBLOCK)
        mode = try file.mode()
        if mode & S_IFMT == S_IFREG, mode & 0o077 == 0 { bytes = try file.readAll(atMost: limit) }
    } catch {
        throw .file(error)
    }
    if let bytes { return bytes }
    throw mode & S_IFMT == S_IFREG ? .openToOthers(path: path, mode: mode & 0o777) : .notAFile(path: path)
}

/// Makes a file that is not there yet, for its owner alone unless `mode` says otherwise, and returns when it is on the disk. If
/// something is there already, or on failure, nothing is changed.
package func createFile(at path: String, with bytes: [UInt8], mode: UInt32 = 0o600) throws(FileError) {
    let file = try FileDescriptor(path: path, flags: O_WRONLY | O_CREAT | O_EXCL, mode: mode)
    do throws(FileError) {
        try bytes.withUnsafeBufferPointer { (buffer) throws(FileError) in
            try file.writeAll(UnsafeRawBufferPointer(buffer))
        }
        try file.sync()
    } catch {
        unlink(path)
        throw error
    }
}

/// Who else may change what a file says, or what is in a folder.
package enum Exposure: Equatable, Sendable {
    /// Users other than the owner and its group may write to it.
    case everybody
    /// Its owner is neither root nor the user of this process.
    case owner(UInt32)

    /// Nil: nobody. Also for a path where nothing is: whoever reads it will be told.
    package init?(of path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        if status.st_mode & 0o002 != 0 {
            self = .everybody
        } else if status.st_uid != 0, status.st_uid != geteuid() {
            self = .owner(status.st_uid)
        } else {
            return nil
        }
    }
}
