// What keeping a file safe needs of a file system: few calls, each of which may fail or be the last one before a power cut. The
// program uses `PosixDisk`; tests use a simulated disk that loses and reorders what was not synced. No policy is here.
import Glibc

/// A file system, as seen by whoever replaces files atomically.
///
/// What was written to a file is safe once `OpenFile.sync` has returned, and a change of names once `syncFolder` has. Before that a
/// power cut may keep any part of either.
package protocol Disk: Sendable {
    /// A new, empty file, open for writing. What was at `path` is unlinked first and never written to: its pages may be those
    /// that an earlier sync could not bring to the disk, and it may be a link to somewhere else.
    func create(_ path: String) throws(FileError) -> any OpenFile
    /// Atomic; replaces what is at `target`.
    func rename(_ path: String, to target: String) throws(FileError)
    /// No error if there is nothing.
    func remove(_ path: String) throws(FileError)
    /// Returns once all changes of names in the folder of `path` are on the disk.
    func syncFolder(of path: String) throws(FileError)
    /// All bytes of the file, or `EFBIG`.
    func read(_ path: String, atMost limit: Int) throws(FileError) -> [UInt8]
    func exists(_ path: String) -> Bool
}

/// A file being written. It is closed when it is released: after a sync that succeeded, closing has nothing left to fail with.
package protocol OpenFile: AnyObject {
    /// All of `bytes`, at the end.
    func write(_ bytes: UnsafeRawBufferPointer) throws(FileError)
    /// Returns once all bytes are on the disk. After a failure the file is lost: the system may have dropped what it could not
    /// write and call the rest clean, so that a second sync would succeed and mean nothing.
    func sync() throws(FileError)
}

/// The file system of this machine.
package struct PosixDisk: Disk {
    package init() {}

    package func create(_ path: String) throws(FileError) -> any OpenFile {
        try remove(path)
        return PosixFile(try FileDescriptor(path: path, flags: O_WRONLY | O_CREAT | O_EXCL))
    }

    package func rename(_ path: String, to target: String) throws(FileError) {
        guard Glibc.rename(path, target) == 0 else { throw FileError(path: target, operation: .rename, code: errno) }
    }

    package func remove(_ path: String) throws(FileError) {
        guard unlink(path) == 0 || errno == ENOENT else {
            throw FileError(path: path, operation: .remove, code: errno)
        }
    }

    package func syncFolder(of path: String) throws(FileError) {
        try FileDescriptor(path: folder(of: path), flags: O_RDONLY | O_DIRECTORY).sync()
    }

    package func read(_ path: String, atMost limit: Int) throws(FileError) -> [UInt8] {
        try readFile(at: path, atMost: limit)
    }

    package func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}

private final class PosixFile: OpenFile {
    private let file: FileDescriptor

    init(_ file: consuming FileDescriptor) { self.file = file }

    func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) { try file.writeAll(bytes) }

    func sync() throws(FileError) { try file.sync() }
}
