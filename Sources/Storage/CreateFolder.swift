// The folder for a run's files: made with the folders on its way, and shown to be writable before any work is done.
import Glibc

/// Makes the folder and those on the way to it, unless they are there, and creates and removes a file in it: a full or
/// read-only disk is found before the training, not after it.
package func createFolder(at path: String, mode: UInt32 = 0o777) throws(FileError) {
    for ancestor in pathsLeading(to: path) where mkdir(ancestor, mode) != 0 {
        // EEXIST: also a file with that name, or a link to one. Other errors on the way, such as EACCES or EROFS for an
        // existing mount point, do not matter as long as it is a folder.
        let code = errno
        guard !isFolder(ancestor) else { continue }
        throw FileError(path: ancestor, operation: .createOutputFolder, code: code == EEXIST ? ENOTDIR : code)
    }
    let probe = "\(path)/.writable.\(getpid())"
    _ = try FileDescriptor(path: probe, flags: O_WRONLY | O_CREAT | O_TRUNC, operation: .writeInOutputFolder)
    unlink(probe)
}

/// `a`, `a/b`, `a/b/c` for `a/b/c`.
private func pathsLeading(to path: String) -> [String] {
    let ends = path.indices.filter { path[$0] == "/" && $0 != path.startIndex } + [path.endIndex]
    return ends.map { String(path[..<$0]) }
}

/// Whether there is a folder at `path`, or a link to one.
package func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}
