// The coordinator's socket: a ROUTER, the signals, and the worker processes it may have started. Routing ids become the small
// numbers that the core knows.
package import Coordination
package import Messaging

/// The link to worker processes over ipc or tcp.
package final class RouterLink: WorkerLink {
    enum Source: Hashable {
        case socket
        case signal
        case child(Int)
    }

    /// Where workers connect: the number in place of port 0.
    package let endpoint: Endpoint
    private let socket: RouterSocket
    private let poller = Poller<Source>()
    private let signals: SignalWatch
    /// Processes that this coordinator started; nil in a cluster.
    package var cluster: LocalCluster?

    private var peers: [RoutingID: PeerID] = [:]
    private var routes: [PeerID: RoutingID] = [:]
    private var lastPeer: UInt64 = 0
    private var events: [LinkEvent] = []

    /// Listens on `endpoint`; `largestFrame` bytes is the most a worker may send in one frame.
    package init(context: Context, endpoint: Endpoint, largestFrame: Int, signals: SignalWatch) throws {
        keepFreedMemory()
        // This thread and the socket's only pass things on.
        setTimeSlice(.short)
        var options = SocketOptions()
        options.largestFrame = Int64(largestFrame)
        socket = try RouterSocket(context: context, options: options)
        self.endpoint = try socket.bind(to: endpoint)
        self.signals = signals
        poller.watch(socket, as: .socket)
        poller.watch(descriptor: signals.descriptor, as: .signal)
    }

    func watch(_ child: Int, descriptor: Int32) { poller.watch(descriptor: descriptor, as: .child(child)) }

    func unwatch(_ child: Int) { poller.forget(.child(child)) }

    package func send(_ frames: [Frame], to peer: PeerID) throws -> SendResult {
        guard let route = routes[peer] else { return .unreachable }
        return try socket.send(frames, to: route)
    }

    package func joined(processID: UInt32) { cluster?.joined(processID: processID) }

    package func forget(_ peer: PeerID) {
        guard let route = routes.removeValue(forKey: peer) else { return }
        peers[route] = nil
    }

    package func next(until deadline: UInt64?) throws -> LinkEvent {
        if let signal = signals.received { return .stopped(signal) }
        if !events.isEmpty { return events.removeFirst() }
        // Messages first: they are what a step waits for.
        if let (route, message) = try socket.receive() { return .message(message, from: peer(of: route)) }
        let nextLook = cluster?.nextDeadline
        let limit = [deadline, nextLook].compactMap { $0 }.min()
        for source in try poller.wait(until: limit) {
            if case .child(let index) = source { events += try cluster?.onChildReady(index, link: self) ?? [] }
        }
        if let nextLook, MonotonicClock.now() >= nextLook { events += try cluster?.onDeadline(link: self) ?? [] }
        if let signal = signals.received { return .stopped(signal) }
        if !events.isEmpty { return events.removeFirst() }
        if let (route, message) = try socket.receive() { return .message(message, from: peer(of: route)) }
        return .deadline
    }

    private func peer(of route: RoutingID) -> PeerID {
        if let peer = peers[route] { return peer }
        lastPeer += 1
        let peer = PeerID(rawValue: lastPeer)
        peers[route] = peer
        routes[peer] = route
        return peer
    }
}
