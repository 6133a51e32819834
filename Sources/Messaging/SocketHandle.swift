// One libzmq socket and the calls every kind of it shares. The kinds (`RouterSocket`, `DealerSocket`) are what other
// modules see.

internal import CZeroMQ
internal import Glibc

/// Owns a libzmq socket and closes it. Not Sendable: a socket belongs to one thread at a time (zmq_socket(3)).
final class SocketHandle {
    let raw: UnsafeMutableRawPointer
    let context: Context
    private let mostFrames: Int
    /// Paths of Unix sockets that were bound; libzmq leaves them behind.
    private var files: [String] = []

    /// - Parameter kind: `ZMQ_ROUTER`, …
    init(context: Context, kind: Int32, options: SocketOptions) throws(ZeroMQError) {
        guard let raw = zmq_socket(context.raw, kind) else { throw .last("create a socket") }
        self.raw = raw
        self.context = context
        mostFrames = options.mostFrames
        try options.apply(to: self)
    }

    deinit {
        zmq_close(raw)
        for file in files { unlink(file) }
    }

    func set(_ option: Int32, to value: Int32) throws(ZeroMQError) {
        try set(option, value)
    }

    func set(_ option: Int32, to value: Int64) throws(ZeroMQError) {
        try set(option, value)
    }

    private func set<Value: FixedWidthInteger>(_ option: Int32, _ value: Value) throws(ZeroMQError) {
        let status = withUnsafePointer(to: value) { zmq_setsockopt(raw, option, $0, MemoryLayout<Value>.size) }
        guard status == 0 else { throw .last("set socket option \(option) to \(value)") }
    }

    func setLinger(_ linger: Duration) throws(ZeroMQError) {
        precondition(linger >= .zero, "an infinite linger would keep the process from ending")
        try set(ZMQ_LINGER, to: linger.wholeMilliseconds)
    }

    /// Binds and returns the address that was really taken (LAST_ENDPOINT): a wildcard port is then a number.
    func bind(to endpoint: Endpoint) throws(BindError) -> Endpoint {
        do throws(ZeroMQError) {
            try set(ZMQ_IPV6, to: endpoint.isIPv6 ? 1 as Int32 : 0)
            guard bindForOwner(endpoint) == 0 else { throw ZeroMQError.last("listen on \(endpoint)") }
            if case .ipc(let path) = endpoint, !path.hasPrefix("@") { files.append(path) }
            return try lastEndpoint() ?? endpoint
        } catch {
            throw BindError(endpoint: endpoint, error: error)
        }
    }

    /// The file of a Unix socket is its owner's alone (mode 0700): whoever may write to it may connect.
    private func bindForOwner(_ endpoint: Endpoint) -> Int32 {
        guard case .ipc = endpoint else { return zmq_bind(raw, endpoint.description) }
        let mask = umask(0o077)
        defer { umask(mask) }
        return zmq_bind(raw, endpoint.description)
    }

    func connect(to endpoint: Endpoint) throws(ConnectError) {
        do { try endpoint.requireConnectable() } catch { throw .endpoint(error) }
        do throws(ZeroMQError) {
            try set(ZMQ_IPV6, to: endpoint.isIPv6 ? 1 as Int32 : 0)
            guard zmq_connect(raw, endpoint.description) == 0 else {
                throw ZeroMQError.last("connect to \(endpoint)")
            }
        } catch {
            throw .failed(error)
        }
    }

    private func lastEndpoint() throws(ZeroMQError) -> Endpoint? {
        // The longest: "tcp://" with an IPv6 address, scope and port, or "ipc://" with a path of 107 bytes.
        var text = [CChar](repeating: 0, count: 1024)
        var size = text.count
        guard zmq_getsockopt(raw, ZMQ_LAST_ENDPOINT, &text, &size) == 0 else { throw .last("read the bound address") }
        let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return try? Endpoint(parsing: String(decoding: bytes, as: UTF8.self))
    }
}

// MARK: - Messages

/// What became of a message that was handed over for sending.
package enum SendResult: Equatable, Sendable {
    /// Queued. Not a delivery: a link may break with messages in its queue.
    case sent
    /// No such peer: it has gone, or never was.
    case unreachable
    /// The queue of the peer is full, or no link is up yet. Nothing was queued.
    case stalled
}

/// The frames of one message, or the reason why they are not given out.
package enum Message: Sendable {
    case frames([Frame])
    /// It had `count` frames, more than the socket's `mostFrames`; they were dropped.
    case tooManyFrames(count: Int)
}

extension SocketHandle {
    /// Sends a message without waiting; all of its frames are queued, or none.
    func send(_ frames: [Frame], after routing: Frame? = nil) throws(ZeroMQError) -> SendResult {
        precondition(!frames.isEmpty, "a message has at least one frame")
        if let routing, let failure = try attempt(routing, ZMQ_SNDMORE) { return failure }
        for (index, frame) in frames.enumerated() {
            let more = index == frames.count - 1 ? 0 : ZMQ_SNDMORE
            // Full in the middle of a message: libzmq has rolled back what was queued of it.
            if let failure = try attempt(frame, more) { return failure }
        }
        return .sent
    }

    private func attempt(_ frame: Frame, _ more: Int32) throws(ZeroMQError) -> SendResult? {
        switch frame.send(on: raw, flags: ZMQ_DONTWAIT | more) {
        case .done: nil
        case .refused(EAGAIN): .stalled
        case .refused(EHOSTUNREACH): .unreachable
        case .refused(let code): throw ZeroMQError(attempt: "send a frame of \(frame.count) bytes", code: code)
        }
    }

    /// The next message that waits, or nil. All of a message is there as soon as its first frame is (zmq_msg_recv(3)).
    ///
    /// - Parameter prefix: frames that the socket itself puts before those of the peer.
    func receive(prefix: Int = 0) throws(ZeroMQError) -> (prefix: [Frame], message: Message)? {
        guard var next = try Frame.receive(from: raw) else { return nil }
        var frames = [next.frame]
        var count = 1
        while !next.isLast {
            guard let following = try Frame.receive(from: raw) else {
                throw ZeroMQError(attempt: "receive the rest of a message", code: EAGAIN)
            }
            next = following
            count += 1
            if count <= mostFrames + prefix { frames.append(next.frame) }
        }
        let body = count - prefix
        let message = body <= mostFrames ? Message.frames(Array(frames.dropFirst(prefix))) : .tooManyFrames(count: body)
        return (Array(frames.prefix(prefix)), message)
    }
}
