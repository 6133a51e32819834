// The socket that listens and speaks to many peers, each by its routing id. It knows nothing of workers or leases.

internal import CZeroMQ

/// The name that a ROUTER gave to one connection. A peer that comes back gets another one.
package struct RoutingID: Hashable, Sendable, CustomStringConvertible {
    /// 1 to 255 bytes; libzmq's own ids have 5.
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    package var description: String {
        bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}

/// A ROUTER that tells (ROUTER_MANDATORY) when a peer is not there, where libzmq would drop the message silently.
///
/// Not Sendable: a socket belongs to one thread at a time. No call of it blocks.
package final class RouterSocket {
    let handle: SocketHandle
    private let gatekeeper: Gatekeeper?

    /// Whoever reaches it comes in.
    package init(context: Context, options: SocketOptions = SocketOptions()) throws(ZeroMQError) {
        handle = try SocketHandle(context: context, kind: ZMQ_ROUTER, options: options)
        gatekeeper = nil
        try handle.set(ZMQ_ROUTER_MANDATORY, to: 1 as Int32)
    }

    /// Who comes in is the gatekeeper's decision. One gatekeeper guards one socket.
    package init(guardedBy gatekeeper: Gatekeeper, options: SocketOptions = SocketOptions()) throws(ZeroMQError) {
        handle = try SocketHandle(context: gatekeeper.context, kind: ZMQ_ROUTER, options: options)
        self.gatekeeper = gatekeeper
        try handle.set(ZMQ_ROUTER_MANDATORY, to: 1 as Int32)
        if let keys = gatekeeper.keys { try handle.becomeCurveServer(keys, options) }
        try gatekeeper.guardSocket(handle)
    }

    /// Listens on `endpoint` and returns the address really taken: the number instead of port 0.
    ///
    /// For ipc, libzmq replaces a socket file that is there already, whoever listens on it: use a folder of your own.
    /// The file goes with this socket.
    @discardableResult
    package func bind(to endpoint: Endpoint) throws(BindError) -> Endpoint {
        try handle.bind(to: endpoint)
    }

    /// Queues a message for one peer; frames may be shared with other messages.
    package func send(_ frames: [Frame], to peer: RoutingID) throws(ZeroMQError) -> SendResult {
        try handle.send(frames, after: Frame(peer.bytes))
    }

    /// The next message that waits, and whose it is; nil if none does.
    package func receive() throws(ZeroMQError) -> (peer: RoutingID, message: Message)? {
        guard let (prefix, message) = try handle.receive(prefix: 1) else { return nil }
        let peer = RoutingID(bytes: prefix[0].withUnsafeBytes { Array($0) })
        return (peer, message)
    }
}
