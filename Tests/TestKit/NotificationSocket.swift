// A service manager's ear, such as systemd gives to a unit of Type=notify: a datagram socket that a test holds.
internal import CLinux
internal import Glibc

package final class NotificationSocket {
    /// As in `NOTIFY_SOCKET`: a path, or `@` and a name in the abstract namespace.
    package let name: String
    private let descriptor: Int32

    package init(_ name: String) throws(Refusal) {
        self.name = name
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { path in
            path.copyBytes(from: Array(name.utf8))
            if name.hasPrefix("@") { path[0] = 0 }
        }
        let size = socklen_t(MemoryLayout<sa_family_t>.size + name.utf8.count)
        let number = descriptor
        let status = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(number, $0, size) }
        }
        guard status == 0 else { throw Refusal(code: errno) }
    }

    deinit {
        close(descriptor)
        if name.hasPrefix("/") { unlink(name) }
    }

    /// The lines of the next message; nil when none comes within so many milliseconds.
    package func next(within milliseconds: Int32 = 0) -> [String]? {
        var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&item, 1, milliseconds) > 0 else { return nil }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// The socket cannot be had, for the reason that errno gives.
    package struct Refusal: Error {
        package let code: Int32
    }
}
