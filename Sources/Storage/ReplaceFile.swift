// Atomic replacement of a file: whoever opens the path sees all of the old bytes or all of the new ones, also after a
// kill or a power cut. Nothing here knows what is in the file.
import Glibc

/// Puts a file with these bytes at `path`, atomically, and returns when they are on the disk. On failure the file at
/// `path` stays as it was and nothing else is left behind. A symbolic link at `path` is replaced by the file.
///
/// - Parameter keepingPrevious: where to move the present file first, if there is one (same file system). At every
///   instant `path` or that place holds a whole file: a reader that misses `path` takes the previous one.
package func replaceFile(
    at path: String, with bytes: UnsafeRawBufferPointer, keepingPrevious previous: String? = nil,
    on disk: any Disk = PosixDisk()
) throws(FileError) {
    let temporary = temporaryPath(for: path)
    do {
        let file = try disk.create(temporary)
        try file.write(bytes)
        // On the descriptor that wrote: one that is opened later may not hear of a write that failed.
        try file.sync()
        try install(temporary, at: path, keepingPrevious: previous, on: disk)
    } catch {
        try? disk.remove(temporary)
        // Whoever reads the message has never heard of the other name.
        throw error.path == temporary ? FileError(path: path, operation: error.operation, code: error.code) : error
    }
}

package func replaceFile(
    at path: String, with bytes: [UInt8], keepingPrevious previous: String? = nil, on disk: any Disk = PosixDisk()
) throws(FileError) {
    try bytes.withUnsafeBufferPointer { (buffer) throws(FileError) in
        try replaceFile(at: path, with: UnsafeRawBufferPointer(buffer), keepingPrevious: previous, on: disk)
    }
}

/// In the same folder, because a rename is atomic only inside one file system; with the process id, so that two
/// processes never write to the same file. A leftover of a killed process with the same id is removed.
private func temporaryPath(for path: String) -> String {
    "\(path).\(getpid()).tmp"
}

/// Brings the whole file `temporary` to the disk, then to `path` in the same file system, then that change of the folder
/// to the disk. For files that grew under another name (a download).
package func moveIntoPlace(
    _ temporary: String, at path: String, keepingPrevious previous: String? = nil
) throws(FileError) {
    try FileDescriptor(path: temporary, flags: O_RDONLY).sync()
    try install(temporary, at: path, keepingPrevious: previous, on: PosixDisk())
}

/// Brings a file that is on the disk to `path`.
private func install(
    _ temporary: String, at path: String, keepingPrevious previous: String?, on disk: any Disk
) throws(FileError) {
    var kept: String?
    if let previous, disk.exists(path) {
        do {
            try disk.rename(path, to: previous)
        } catch {
            throw FileError(path: path, operation: .keepPrevious, code: error.code)
        }
        kept = previous
    }
    do {
        try disk.rename(temporary, to: path)
    } catch {
        if let kept { try? disk.rename(kept, to: path) }
        throw error
    }
    try disk.syncFolder(of: path)
}

/// The folder that holds the last component of `path`.
package func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}
