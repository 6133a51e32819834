// A peer that speaks ZMTP 3.0 by hand over a plain TCP socket (rfc.zeromq.org/spec/23), so that tests can misbehave in
// ways libzmq never would: stop in the middle of a handshake, announce frames that never come, die without a goodbye.

import Glibc
import Messaging

struct RawPeer: ~Copyable {
    struct Failure: Error {
        let doing: String
        let code: Int32
    }

    private let descriptor: Int32

    init(connectingTo endpoint: Endpoint) throws {
        guard case .tcp(_, let port) = endpoint else { throw Failure(doing: "find a port", code: 0) }
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else {
            let code = errno
            Glibc.close(descriptor)
            throw Failure(doing: "connect", code: code)
        }
        self.descriptor = descriptor
        var limit = timeval(tv_sec: Int(patience / 1_000_000_000), tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Closes with a reset, as the kernel does for a killed process with unread data.
    deinit {
        var reset = Glibc.linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, socklen_t(MemoryLayout<Glibc.linger>.size))
        Glibc.close(descriptor)
    }

    func write(_ bytes: [UInt8]) throws {
        let sent = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        guard sent == bytes.count else { throw Failure(doing: "send \(bytes.count) bytes", code: errno) }
    }

    /// Exactly `count` bytes.
    func read(_ count: Int) throws {
        var bytes = [UInt8](repeating: 0, count: count)
        guard recv(descriptor, &bytes, count, Int32(MSG_WAITALL)) == count else {
            throw Failure(doing: "read \(count) bytes", code: errno)
        }
    }

    /// Reads until the other side closes, and throws when it does not.
    func waitForClose() throws {
        var bytes = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &bytes, bytes.count, 0)
            if count == 0 || (count < 0 && errno == ECONNRESET) { return }
            if count < 0 { throw Failure(doing: "wait for the other side to close", code: errno) }
        }
    }

    /// Exchanges greetings.
    func greet(as mechanism: String) throws {
        try announce(mechanism)
        try read(64)
    }

    /// Says which security mechanism it has come with.
    func announce(_ mechanism: String) throws {
        var greeting: [UInt8] = [0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 3, 0]
        greeting += Array(mechanism.utf8)
        greeting += [UInt8](repeating: 0, count: 64 - greeting.count)
        try write(greeting)
    }

    /// Greets as a DEALER without security.
    func shakeHands() throws {
        try greet(as: "NULL")
        var ready: [UInt8] = [5] + Array("READY".utf8)
        ready += [11] + Array("Socket-Type".utf8) + [0, 0, 0, 6] + Array("DEALER".utf8)
        try write([0x04, UInt8(ready.count)] + ready)
    }

    /// - Parameter more: whether another frame of the same message follows.
    func sendFrame(_ body: [UInt8], more: Bool = false) throws {
        try write([more ? 1 : 0, UInt8(body.count)] + body)
    }

    /// Announces a frame of `count` bytes and sends none of them.
    func announceFrame(count: UInt64) throws {
        try write([0x02] + withUnsafeBytes(of: count.bigEndian) { Array($0) })
    }
}

/// Accepts connections and says nothing.
final class SilentListener {
    let endpoint: Endpoint
    private let descriptor: Int32

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, size) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, address, &size) == 0
            }
        }
        guard status else { throw RawPeer.Failure(doing: "listen", code: errno) }
        self.descriptor = descriptor
        endpoint = .tcp(host: "127.0.0.1", port: UInt16(bigEndian: address.sin_port))
    }

    deinit { close(descriptor) }
}
