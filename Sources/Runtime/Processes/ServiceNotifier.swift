// What a service manager is told about this process: that it is ready, what it does, that its loop still turns. The protocol is
// that of sd_notify(3), datagrams of `KEY=VALUE` lines to a Unix socket, spoken here without its library. Nothing is ever received.

internal import Glibc
internal import Messaging

/// The manager that started this process and wants to hear of it. One thread.
///
/// What cannot be delivered is dropped: no manager may stop the work.
package final class ServiceNotifier {
    private let descriptor: FileDescriptor
    private let address: SocketAddress
    /// Nanoseconds between two signs of life; nil: nobody waits for them.
    private let interval: UInt64?
    /// When the next sign of life is due, in nanoseconds of `MonotonicClock`; nil: never.
    package private(set) var nextBeat: UInt64?

    /// Nil when the environment names no manager (`NOTIFY_SOCKET`), as for a program started by hand.
    ///
    /// - Parameter complain: told when it names one that cannot be spoken to
    package init?(environment: [String: String], complain: (String) -> Void) {
        guard let path = environment["NOTIFY_SOCKET"], !path.isEmpty else { return nil }
        guard let address = SocketAddress(path) else {
            complain(
                "NOTIFY_SOCKET: '\(path)' is neither an absolute path nor @NAME of at most 107 bytes; nobody is notified"
            )
            return nil
        }
        let number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else {
            complain("NOTIFY_SOCKET: cannot make a socket: \(String(cString: strerror(errno))); nobody is notified")
            return nil
        }
        descriptor = FileDescriptor(owning: number)
        self.address = address
        interval = Self.interval(environment)
        // What must arrive waits for a manager that is busy, but not for one that hangs.
        var limit = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Half of what the manager waits for, as sd_watchdog_enabled(3) advises; nil if it does not wait for this process.
    private static func interval(_ environment: [String: String]) -> UInt64? {
        if let process = environment["WATCHDOG_PID"], Int32(process) != getpid() { return nil }
        guard let microseconds = environment["WATCHDOG_USEC"].flatMap({ UInt64($0) }), microseconds > 0 else {
            return nil
        }
        // A century is as good as for ever, and overflows nothing.
        return min(microseconds, 3_000_000_000_000_000) * 500
    }

    /// The service does what it was started for. From now on the manager waits for signs of life, if it does at all.
    package func ready() {
        send("READY=1", mustArrive: true)
        if interval != nil { nextBeat = MonotonicClock.now() }
        beat()
    }

    /// A sentence for whoever asks the manager what this service is doing.
    package func tell(_ status: String) { send("STATUS=\(Self.line(status))") }

    /// The service is about to end, and why.
    package func stopping(_ status: String) {
        nextBeat = nil
        send("STOPPING=1\nSTATUS=\(Self.line(status))", mustArrive: true)
    }

    /// A sign of life if one is due: called by whatever loop must keep turning.
    package func beat() {
        guard let interval, let due = nextBeat else { return }
        let now = MonotonicClock.now()
        guard now >= due else { return }
        send("WATCHDOG=1")
        nextBeat = now + interval
    }

    /// A line break would begin another assignment.
    private static func line(_ text: String) -> String {
        String(decoding: text.utf8.map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 }, as: UTF8.self)
    }

    private func send(_ text: String, mustArrive: Bool = false) {
        var text = text
        let flags = Int32(MSG_NOSIGNAL) | (mustArrive ? 0 : Int32(MSG_DONTWAIT))
        address.withPointer { address, size in
            text.withUTF8 { bytes in
                while sendto(descriptor.number, bytes.baseAddress, bytes.count, flags, address, size) < 0,
                    errno == EINTR
                {}
            }
        }
    }
}

/// The address of a Unix socket: unix(7).
private struct SocketAddress {
    private var storage = sockaddr_un()
    private let size: socklen_t

    /// - Parameter name: an absolute path, or `@` and a name in Linux's abstract namespace
    init?(_ name: String) {
        let bytes = Array(name.utf8)
        guard bytes.count > 1, bytes.count <= Endpoint.longestIPCPath,
            bytes[0] == UInt8(ascii: "/") || bytes[0] == UInt8(ascii: "@")
        else { return nil }
        storage.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &storage.sun_path) { path in
            path.copyBytes(from: bytes)
            if bytes[0] == UInt8(ascii: "@") { path[0] = 0 }
        }
        // Exactly so long: in the abstract namespace zeros after the name are part of it.
        size = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
    }

    func withPointer(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Void) {
        withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, size) }
        }
    }
}
