// Which kind of door is it? Asks a ZMTP server for the one thing it tells everybody, before any key is used.

internal import Glibc

/// What a server asks of those who want to speak to it: the mechanism in its greeting (rfc.zeromq.org/spec/23).
package enum SecurityMechanism: String, Sendable {
    /// No keys.
    case null = "NULL"
    case curve = "CURVE"
    case plain = "PLAIN"
}

/// The mechanism of the server at `endpoint`; nil if nobody, or nobody who speaks ZMTP 3, answers within the limit.
///
/// libzmq cannot tell a server that hangs up because it was addressed by a wrong key from one that is not there behind a
/// tunnel, or that wants no keys at all: in each case the connection just ends. One that greets is there.
/// - Parameter milliseconds: of each of its three waits
package func peekMechanism(at endpoint: Endpoint, milliseconds: Int32 = 500) -> SecurityMechanism? {
    guard let line = PeekLine(connectingTo: endpoint, milliseconds: milliseconds) else { return nil }
    // Signature and major version: after these, and not before, libzmq sends all of its own greeting.
    guard line.send([0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 3]), let greeting = line.receive(64),
        greeting[0] == 0xFF, greeting[9] & 1 == 1, greeting[10] >= 3
    else { return nil }
    return SecurityMechanism(rawValue: String(decoding: greeting[12..<32].prefix { $0 != 0 }, as: UTF8.self))
}

/// A plain connection that waits for nothing longer than its limit.
private final class PeekLine {
    private let descriptor: Int32
    private let limit: Int32

    init?(connectingTo endpoint: Endpoint, milliseconds: Int32) {
        limit = milliseconds
        switch endpoint {
        case .inproc: return nil
        case .ipc(let path):
            descriptor = Glibc.socket(AF_UNIX, streamKind, 0)
            guard descriptor >= 0, withUnixAddress(of: path, connect) else { return nil }
        case .tcp(let host, let port):
            var hints = addrinfo()
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
            var found: UnsafeMutablePointer<addrinfo>?
            guard getaddrinfo(host, "\(port)", &hints, &found) == 0, let first = found?.pointee else { return nil }
            defer { freeaddrinfo(found) }
            descriptor = Glibc.socket(first.ai_family, streamKind, 0)
            guard descriptor >= 0, let address = first.ai_addr, connect(address, first.ai_addrlen) else { return nil }
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    private func connect(_ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> Bool {
        if Glibc.connect(descriptor, address, length) == 0 { return true }
        guard errno == EINPROGRESS, isReady(for: POLLOUT) else { return false }
        var failure: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 && failure == 0
    }

    func send(_ bytes: [UInt8]) -> Bool {
        Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    /// Exactly `count` bytes; nil if they do not come.
    func receive(_ count: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            guard isReady(for: POLLIN) else { return nil }
            var piece = [UInt8](repeating: 0, count: count - bytes.count)
            let got = recv(descriptor, &piece, piece.count, 0)
            guard got > 0 else { return nil }
            bytes += piece[..<got]
        }
        return bytes
    }

    private func isReady(for events: Int32) -> Bool {
        var item = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        return poll(&item, 1, limit) == 1
    }
}

/// Calls `body` with the address of a Unix socket; `@` begins a name of Linux's abstract namespace.
private func withUnixAddress(of path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Bool) -> Bool {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = path.hasPrefix("@") ? [0] + path.utf8.dropFirst() : path.utf8 + [0]
    guard bytes.count <= MemoryLayout.size(ofValue: address.sun_path) else { return false }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
    return withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
}

private var streamKind: Int32 {
    Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
}
