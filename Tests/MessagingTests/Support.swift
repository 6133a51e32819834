// What the tests of this target share: sockets that find each other, and waits that end. Everything here has a
// deadline, and none of it sleeps.

import Glibc
import Messaging
import Testing

/// How long a test waits for what must happen. Generous: the machine may be busy, and a passing test never waits so long.
let patience: UInt64 = 10_000_000_000

struct TimedOut: Error {
    let waitedFor: String
}

/// Calls `attempt` whenever something is readable, or a millisecond has passed, until it gives a value.
func eventually<Value>(
    _ what: String, on poller: Poller<Int> = Poller(), _ attempt: () throws -> Value?
) throws -> Value {
    let deadline = MonotonicClock.now() + patience
    while true {
        if let value = try attempt() { return value }
        guard MonotonicClock.now() < deadline else { throw TimedOut(waitedFor: what) }
        // Level-triggered: a descriptor that is readable all the time makes this spin, which a test can bear.
        _ = try poller.wait(until: MonotonicClock.now() + 1_000_000)
    }
}

/// A name that no other test, of this process or another, uses.
func uniqueName() -> String {
    "siamese-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
}

/// Where tests of every transport listen.
enum Transport: String, CaseIterable {
    case inproc, ipc, tcp, tcp6

    func endpoint() -> Endpoint {
        switch self {
        case .inproc: .inproc(name: uniqueName())
        case .ipc: .ipc(path: "/tmp/\(uniqueName()).sock")
        case .tcp: .tcp(host: "127.0.0.1", port: 0)
        case .tcp6: .tcp(host: "::1", port: 0)
        }
    }
}

/// A ROUTER that listens and a DEALER connected to it.
final class Pair {
    let context: Context
    let router: RouterSocket
    let endpoint: Endpoint
    var dealer: DealerSocket?

    init(over transport: Transport = .tcp, options: SocketOptions = brisk) throws {
        context = try Context()
        router = try RouterSocket(context: context, options: options)
        endpoint = try router.bind(to: transport.endpoint())
        dealer = try connectedDealer()
    }

    func connectedDealer() throws -> DealerSocket {
        let dealer = try DealerSocket(context: context, options: brisk)
        try dealer.connect(to: endpoint)
        return dealer
    }

    /// Sends from the dealer until the link is up.
    func greet(_ frames: [Frame] = [Frame([1])], from dealer: DealerSocket? = nil) throws {
        let sender = try #require(dealer ?? self.dealer)
        try eventually("a link for the dealer") { try sender.send(frames) == .sent ? () : nil }
    }

    /// The next message at the router.
    func arrival() throws -> (peer: RoutingID, message: Message) {
        try eventually("a message at the router") { try router.receive() }
    }

    /// The routing id under which the dealer is known.
    func introduce() throws -> RoutingID {
        try greet()
        return try arrival().peer
    }
}

/// Options whose time-outs suit a test.
var brisk: SocketOptions {
    var options = SocketOptions()
    options.reconnectInterval = .milliseconds(5)
    options.longestReconnectInterval = .milliseconds(20)
    return options
}

extension Message {
    /// The bytes of each frame.
    var contents: [[UInt8]]? {
        guard case .frames(let frames) = self else { return nil }
        return frames.map(\.contents)
    }
}

extension Frame {
    var contents: [UInt8] { withUnsafeBytes { Array($0) } }
}

/// Memory that tells when it dies.
final class Lender {
    let bytes: UnsafeMutableRawBufferPointer
    private let onRelease: @Sendable () -> Void

    init(count: Int, onRelease: @escaping @Sendable () -> Void = {}) {
        bytes = .allocate(byteCount: count, alignment: 16)
        for index in 0..<count { bytes[index] = UInt8(truncatingIfNeeded: index &* 31) }
        self.onRelease = onRelease
    }

    deinit {
        bytes.deallocate()
        onRelease()
    }

    var frame: Frame { Frame(borrowing: self, bytes: UnsafeRawBufferPointer(bytes)) }
}
