// The socket that connects to one ROUTER. It knows nothing of what is said.

internal import CZeroMQ

/// A DEALER that queues only for a link that is up (IMMEDIATE), so that nothing waits unseen for a peer that is not
/// there. libzmq reconnects by itself; what was queued on the broken link is lost.
///
/// Not Sendable: a socket belongs to one thread at a time. No call of it blocks.
package final class DealerSocket {
    let handle: SocketHandle

    /// - Parameter keys: nil: speak to whoever answers, in the clear
    package init(
        context: Context, options: SocketOptions = SocketOptions(), keys: ClientKeys? = nil
    ) throws(ZeroMQError) {
        handle = try SocketHandle(context: context, kind: ZMQ_DEALER, options: options)
        try handle.set(ZMQ_IMMEDIATE, to: 1 as Int32)
        if let keys { try handle.becomeCurveClient(keys, options) }
    }

    /// Begins to connect. Nobody need listen there yet: `ConnectionMonitor` tells when the link is up.
    package func connect(to endpoint: Endpoint) throws(ConnectError) {
        try handle.connect(to: endpoint)
    }

    /// Changes `SocketOptions.linger`.
    package func setLinger(_ linger: Duration) throws(ZeroMQError) {
        try handle.setLinger(linger)
    }

    /// Queues a message; `.stalled` while no link is up.
    package func send(_ frames: [Frame]) throws(ZeroMQError) -> SendResult {
        try handle.send(frames)
    }

    /// The next message that waits; nil if none does.
    package func receive() throws(ZeroMQError) -> Message? {
        try handle.receive()?.message
    }
}
