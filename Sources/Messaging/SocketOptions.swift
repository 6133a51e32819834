// The options of a socket, each set explicitly: nothing is left to libzmq's defaults. ROUTING_ID and ROUTER_HANDOVER
// are not here on purpose: with them a peer could silently shadow, or take over, another one.

internal import CZeroMQ

/// Limits and time-outs of one socket. Times have a resolution of a millisecond (`heartbeatLifetime`: 100).
package struct SocketOptions: Equatable, Sendable {
    /// LINGER: how long messages not yet sent may hold up the end of the context once the socket is closed. Never
    /// infinite. Also settable later: zero after a fatal error.
    package var linger = Duration.seconds(1)

    /// SNDHWM, RCVHWM: messages queued per peer (inexact: libzmq and the kernel add their own). A backstop only: the
    /// real limit is the credit of the protocol above. RCVHWM is generous because libzmq 4.3 may fail an assertion
    /// when a receive queue is full and a heartbeat arrives (libzmq#3596).
    package var sendQueue: Int32 = 64
    package var receiveQueue: Int32 = 1000

    /// MAXMSGSIZE, bytes: a peer that announces a longer *frame* is disconnected before anything is allocated.
    package var largestFrame: Int64 = 16 << 20

    /// Frames in a message. libzmq has no such limit; a longer message is drained and reported.
    package var mostFrames = 64

    /// HANDSHAKE_IVL: time a new connection has to finish its handshake.
    package var handshakeTimeout = Duration.seconds(5)

    /// HEARTBEAT_IVL, HEARTBEAT_TIMEOUT: a ping is sent this often; a link that is silent for the time-out after it is
    /// closed. The I/O thread answers pings, so this finds dead links, never a hung program.
    package var heartbeatInterval = Duration.seconds(1)
    package var heartbeatTimeout = Duration.seconds(5)

    /// HEARTBEAT_TTL: how long the *peer* keeps the link without hearing a ping of ours. The peer holds it as
    /// milliseconds in 16 bits (libzmq#4226), hence `longestHeartbeatLifetime`.
    package var heartbeatLifetime = Duration.seconds(10)

    package static let longestHeartbeatLifetime = Duration.milliseconds(65_500)

    /// RECONNECT_IVL, RECONNECT_IVL_MAX: pause before a lost connection is tried again, doubled until the maximum.
    package var reconnectInterval = Duration.milliseconds(50)
    package var longestReconnectInterval = Duration.seconds(2)

    package init() {}
}

extension SocketOptions {
    /// Sets what every kind of socket has. Must come before bind and connect: most options act on later ones only.
    func apply(to socket: SocketHandle) throws(ZeroMQError) {
        requireSane()
        for (option, value) in values { try socket.set(option, to: value) }
        try socket.set(ZMQ_MAXMSGSIZE, to: largestFrame)
    }

    private var values: [(option: Int32, value: Int32)] {
        [
            (ZMQ_LINGER, linger.wholeMilliseconds),
            (ZMQ_SNDHWM, sendQueue),
            (ZMQ_RCVHWM, receiveQueue),
            (ZMQ_HANDSHAKE_IVL, handshakeTimeout.wholeMilliseconds),
            (ZMQ_HEARTBEAT_IVL, heartbeatInterval.wholeMilliseconds),
            (ZMQ_HEARTBEAT_TIMEOUT, heartbeatTimeout.wholeMilliseconds),
            (ZMQ_HEARTBEAT_TTL, heartbeatLifetime.wholeMilliseconds),
            (ZMQ_RECONNECT_IVL, reconnectInterval.wholeMilliseconds),
            (ZMQ_RECONNECT_IVL_MAX, longestReconnectInterval.wholeMilliseconds),
        ]
    }

    private func requireSane() {
        precondition(linger >= .zero, "an infinite linger would keep the process from ending: \(self)")
        precondition(sendQueue > 0 && receiveQueue > 0, "an unlimited queue is no backstop: \(self)")
        precondition(largestFrame > 0 && mostFrames > 0, "a socket must admit some message: \(self)")
        precondition(handshakeTimeout > .zero, "a handshake needs a time limit: \(self)")
        precondition(heartbeatInterval > .zero && heartbeatTimeout > .zero, "dead links must be found: \(self)")
        precondition(
            heartbeatLifetime > heartbeatInterval && heartbeatLifetime <= SocketOptions.longestHeartbeatLifetime,
            "the heartbeat's lifetime must outlive its interval and fit 16 bits of milliseconds: \(self)")
        precondition(
            reconnectInterval > .zero && longestReconnectInterval >= reconnectInterval,
            "a lost connection must be tried again, ever more slowly: \(self)")
    }
}

extension Duration {
    /// Milliseconds, rounded up; a precondition keeps them within Int32.
    var wholeMilliseconds: Int32 {
        let (seconds, attoseconds) = components
        let milliseconds = seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        guard let value = Int32(exactly: milliseconds) else {
            preconditionFailure("\(self) does not fit 32 bits of milliseconds")
        }
        return value
    }
}
