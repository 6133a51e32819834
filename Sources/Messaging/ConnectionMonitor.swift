// What libzmq reports about the links of a socket. Hints only, never truth: an event may be late, and by the time it
// is read the link may be up, or down, again. They serve to ask sooner than a time-out would.

internal import CZeroMQ
private import Synchronization

/// Something that happened to a link of a monitored socket.
package struct ConnectionEvent: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        /// The bytes can flow; nobody has greeted yet.
        case connected
        /// The same on the listening side.
        case accepted
        /// The link is up: messages can be sent.
        case ready
        /// A link that was there is gone.
        case disconnected
        /// Nobody answered; libzmq tries again after `milliseconds`.
        case retrying(milliseconds: Int32)
        case handshakeFailed(HandshakeFailure)
        /// A connection could not be accepted: an error number, EMFILE most often.
        case acceptFailed(Int32)
        /// An error number.
        case bindFailed(Int32)
        /// The socket was closed; no more events come.
        case stopped
    }

    package enum HandshakeFailure: Equatable, Sendable {
        /// One side has keys and the other has none.
        case otherMechanism
        /// Something could not be decrypted: it was meant for another key.
        case wrongKey
        /// The peer does not speak our protocol, or speaks it wrongly: the value of `ZMQ_PROTOCOL_ERROR_…`.
        case wrongProtocol(Int32)
        /// A key was refused, ours by the other side or a peer's here: the ZAP status, 300, 400 or 500.
        case notAuthorized(Int32)
        /// The connection broke before the handshake was done: an error number. So also when a server could not decrypt what we
        /// sent: it hangs up without a word.
        case brokenOff(Int32)
    }

    package let kind: Kind
    /// The address in libzmq's form; of the listening socket where the peer's is not known.
    package let endpoint: String
    /// Of the connection, for `accepted`, `connected` and `disconnected`. It is libzmq's, and may be closed by now.
    package let descriptor: Int32?
}

/// Listens to the events of one socket. Make it before bind or connect, and read it until it is empty whenever it is
/// readable: what is not read stays in memory.
///
/// Not Sendable: one thread at a time reads it. It retains its socket.
package final class ConnectionMonitor {
    let handle: SocketHandle
    private let monitored: SocketHandle

    package convenience init(_ socket: RouterSocket) throws(ZeroMQError) {
        try self.init(monitoring: socket.handle)
    }

    package convenience init(_ socket: DealerSocket) throws(ZeroMQError) {
        try self.init(monitoring: socket.handle)
    }

    init(monitoring socket: SocketHandle) throws(ZeroMQError) {
        let number = monitorsMade.wrappingAdd(1, ordering: .relaxed).newValue
        let address = "inproc://connection-monitor-\(number)"
        handle = try SocketHandle(context: socket.context, kind: ZMQ_PAIR, options: ConnectionMonitor.options)
        monitored = socket
        // RCVHWM 0, no limit: libzmq's I/O thread sends events blocking, so a full queue would stop all traffic.
        try handle.set(ZMQ_RCVHWM, to: 0 as Int32)
        guard zmq_socket_monitor(socket.raw, address, watchedEvents) == 0 else { throw .last("monitor a socket") }
        guard zmq_connect(handle.raw, address) == 0 else { throw .last("connect to \(address)") }
    }

    deinit {
        zmq_socket_monitor(monitored.raw, nil, 0)
    }

    private static var options: SocketOptions {
        var options = SocketOptions()
        options.linger = .zero
        return options
    }

    /// The next event, or nil if none waits.
    package func receive() throws(ZeroMQError) -> ConnectionEvent? {
        while let (_, message) = try handle.receive() {
            guard case .frames(let frames) = message, let event = ConnectionEvent(frames) else { continue }
            return event
        }
        return nil
    }
}

/// Makes the address of each monitor its own.
private let monitorsMade = Atomic<Int>(0)

private let watchedEvents =
    ZMQ_EVENT_CONNECTED | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED
    | ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
    | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_ACCEPT_FAILED | ZMQ_EVENT_BIND_FAILED
    | ZMQ_EVENT_MONITOR_STOPPED

extension ConnectionEvent {
    /// Decodes zmq_socket_monitor(3)'s two frames: event (16 bits) and value (32 bits) in the machine's byte order, then
    /// the address. Nil for an event that was not asked for.
    fileprivate init?(_ frames: [Frame]) {
        guard frames.count == 2, frames[0].count == 6 else { return nil }
        let (number, value) = frames[0].withUnsafeBytes {
            (Int32($0.loadUnaligned(as: UInt16.self)), $0.loadUnaligned(fromByteOffset: 2, as: Int32.self))
        }
        guard let kind = Kind(number: number, value: value) else { return nil }
        self.kind = kind
        descriptor = [.accepted, .connected, .disconnected].contains(kind) ? value : nil
        endpoint = frames[1].withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}

extension ConnectionEvent.Kind {
    fileprivate init?(number: Int32, value: Int32) {
        switch number {
        case ZMQ_EVENT_CONNECTED: self = .connected
        case ZMQ_EVENT_ACCEPTED: self = .accepted
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: self = .ready
        case ZMQ_EVENT_DISCONNECTED: self = .disconnected
        case ZMQ_EVENT_CONNECT_RETRIED: self = .retrying(milliseconds: value)
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: self = .handshakeFailed(.init(protocolError: value))
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: self = .handshakeFailed(.notAuthorized(value))
        case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: self = .handshakeFailed(.brokenOff(value))
        case ZMQ_EVENT_ACCEPT_FAILED: self = .acceptFailed(value)
        case ZMQ_EVENT_BIND_FAILED: self = .bindFailed(value)
        case ZMQ_EVENT_MONITOR_STOPPED: self = .stopped
        default: return nil
        }
    }
}

extension ConnectionEvent.HandshakeFailure {
    fileprivate init(protocolError value: Int32) {
        switch value {
        case Int32(ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH): self = .otherMechanism
        case Int32(ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC): self = .wrongKey
        default: self = .wrongProtocol(value)
        }
    }
}
