// Bytes to a port of this machine and what comes back: a client that has no manners of its own. Every wait has a deadline.

internal import CLinux
import Glibc

/// One TCP connection to 127.0.0.1.
package final class LoopbackConnection {
    private let number: Int32

    /// - Parameter seconds: the most that any call of it may wait
    package init(port: UInt16, seconds: Int = 20) throws {
        number = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(number, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        guard connect_to_loopback(number, port) == 0 else { throw LoopbackError(attempt: "connect", code: errno) }
    }

    deinit { close(number) }

    /// What the other side does not take is dropped: it may have hung up.
    package func say(_ bytes: [UInt8]) { _ = send(number, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    /// Everything up to the end of the stream.
    package func listen() throws -> [UInt8] {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(number, &buffer, buffer.count, 0)
            if count == 0 { return all }
            guard count > 0 else { throw LoopbackError(attempt: "receive", code: errno) }
            all += buffer[..<count]
        }
    }
}

package struct LoopbackError: Error, CustomStringConvertible {
    package let attempt: String
    package let code: Int32

    package var description: String { "cannot \(attempt): \(String(cString: strerror(code)))" }
}

/// The answer to a request on a connection of its own.
package func exchange(port: UInt16, _ request: String) throws -> String {
    let connection = try LoopbackConnection(port: port)
    connection.say(Array(request.utf8))
    return String(decoding: try connection.listen(), as: UTF8.self)
}
