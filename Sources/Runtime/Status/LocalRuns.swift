// The runs of `siamese train` on this machine that belong to this user: their sockets lie in folders of random names, which nobody
// wants to look for. The kernel lists who listens (proc(5), /proc/net/unix), so that nobody has to be disturbed to find out.
internal import Glibc
package import Messaging
internal import Storage

/// Where runs of this user listen, in the order of the kernel's list.
package func localRuns() -> [Endpoint] {
    // A kernel without the file, or a sandbox: there is nothing to be found then.
    guard let bytes = try? readFile(at: "/proc/net/unix", atMost: 1 << 24) else { return [] }
    return localRunPaths(in: String(decoding: bytes, as: UTF8.self)).filter(isOurs).map(Endpoint.ipc)
}

/// Paths of sockets that a run listens on, out of the kernel's list: "…: RefCount Protocol Flags Type St Inode Path".
package func localRunPaths(in list: String) -> [String] {
    /// `__SO_ACCEPTCON`: somebody listens.
    let listening: Substring = "00010000"
    return list.split(separator: "\n").compactMap { line in
        let fields = line.split(separator: " ", maxSplits: 7, omittingEmptySubsequences: true)
        guard fields.count == 8, fields[3] == listening else { return nil }
        let names = fields[7].split(separator: "/")
        let prefix = SocketFolderName.prefix
        guard names.count > 1, names.last == "socket", let folder = names.dropLast().last,
            folder.hasPrefix(prefix), folder.count == prefix.count + 6, fields[7].hasPrefix("/")
        else { return nil }
        return String(fields[7])
    }
}

/// The folder of mode 0700 that `train` makes for its socket: mkdtemp(3) appends six characters.
enum SocketFolderName {
    static let prefix = "siamese-"
}

private func isOurs(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_uid == getuid()
}
