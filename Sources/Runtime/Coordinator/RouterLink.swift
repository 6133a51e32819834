// The coordinator's socket: a ROUTER with its gatekeeper, the signals, and the worker processes it may have started.
package import Coordination
package import Messaging

/// The link to worker processes over ipc or tcp.
package final class RouterLink: WorkerLink {
    enum Source: Hashable {
        case socket
        case gatekeeper
        case signal
        case reload
        case child(Int)
        case other(String)
    }

    /// Where workers connect: the number in place of port 0.
    package let endpoint: Endpoint
    private let socket: RouterSocket
    private let gatekeeper: Gatekeeper
    private let poller = Poller<Source>()
    private let signals: SignalWatch
    private let say: (String) -> Void
    /// Nil on a link without keys; with `reloads`, which is there when they are.
    private var keys: ServerKeys?
    private let reloads: ReloadWatch?
    private var hasMournedGatekeeper = false
    /// Processes that this coordinator started; nil in a cluster.
    package var cluster: LocalCluster?

    private var peers = Peers()
    /// Who speaks over which descriptor.
    private var links: [Int32: PeerID] = [:]
    private var descriptors: [PeerID: Int32] = [:]
    /// All links over which anybody has spoken, until they break.
    private var openLinks: Set<Int32> = []
    private var events: [LinkEvent] = []
    /// Messages taken, also those that were dropped, since anything else was looked at.
    private var burst = 0
    /// After so many of them something else has its turn: deadlines and signals do not wait for somebody who never stops talking.
    private static let longestBurst = 64

    /// Listens on `endpoint`.
    ///
    /// - Parameters:
    ///   - largestFrame: bytes; the most a worker may send in one frame
    ///   - keys: with them, only who proves an admitted key comes in, and SIGHUP reads the folder of the admitted again
    ///   - say: a line for the user: of strangers, and of keys that were read again
    /// - Throws: also if this libzmq does not keep out an unknown key.
    package init(
        context: Context, endpoint: Endpoint, largestFrame: Int, signals: SignalWatch, keys: ServerKeys? = nil,
        say: @escaping (String) -> Void = { _ in }
    ) throws {
        keepFreedMemory()
        raiseDescriptorLimit()
        // This thread and the socket's only pass things on.
        setTimeSlice(.short)
        var options = SocketOptions()
        options.largestFrame = Int64(largestFrame)
        if let keys { try Gatekeeper.selfTest(context: context, keys: keys.pair, options: options) }
        gatekeeper = try Gatekeeper(context: context, keys: keys?.pair, admitted: keys?.admitted ?? AdmittedKeys())
        socket = try RouterSocket(guardedBy: gatekeeper, options: options)
        self.endpoint = try socket.bind(to: endpoint)
        self.signals = signals
        self.keys = keys
        self.say = say
        reloads = keys == nil ? nil : try ReloadWatch()
        poller.watch(socket, as: .socket)
        poller.watch(gatekeeper, as: .gatekeeper)
        poller.watch(descriptor: signals.descriptor, as: .signal)
        if let reloads { poller.watch(descriptor: reloads.descriptor, as: .reload) }
    }

    /// Ends `next` early whenever there is something to receive here, which is then the caller's to do.
    func watch(_ socket: DealerSocket, named name: String) { poller.watch(socket, as: .other(name)) }
    func watch(_ monitor: ConnectionMonitor, named name: String) { poller.watch(monitor, as: .other(name)) }

    func watch(_ child: Int, descriptor: Int32) { poller.watch(descriptor: descriptor, as: .child(child)) }

    func unwatch(_ child: Int) { poller.forget(.child(child)) }

    package func send(_ frames: [Frame], to peer: PeerID) throws -> SendResult {
        guard let route = peers.route(to: peer) else { return .unreachable }
        return try socket.send(frames, to: route)
    }

    package func keyName(of peer: PeerID) -> String? { peers.keyName(of: peer) }

    package func joined(processID: UInt32) { cluster?.joined(processID: processID) }

    package func forget(_ peer: PeerID) {
        peers.forget(peer)
        guard let descriptor = descriptors.removeValue(forKey: peer), links[descriptor] == peer else { return }
        links[descriptor] = nil
        if !openLinks.contains(descriptor) { gatekeeper.forgetDeparture(of: descriptor) }
    }

    /// How many connections are remembered: those of workers, and of nobody else for long.
    package var rememberedPeers: Int { peers.count }

    package func next(until deadline: UInt64?) throws -> LinkEvent {
        if let signal = signals.received { return .stopped(signal) }
        if !events.isEmpty { return events.removeFirst() }
        // Messages first: they are what a step waits for.
        if let event = try nextMessage() { return event }
        let isFlooded = burst >= Self.longestBurst
        burst = 0
        let nextLook = cluster?.nextDeadline
        let limit = isFlooded ? 0 : [deadline, nextLook].compactMap { $0 }.min()
        for source in try poller.wait(until: limit) { try attend(to: source) }
        if let nextLook, MonotonicClock.now() >= nextLook { events += try cluster?.onDeadline(link: self) ?? [] }
        if let signal = signals.received { return .stopped(signal) }
        if !events.isEmpty { return events.removeFirst() }
        // A deadline that has not passed yet does no harm.
        return isFlooded ? .deadline : try nextMessage() ?? .deadline
    }

    private func attend(to source: Source) throws {
        switch source {
        case .socket, .signal, .other: break
        case .child(let index): events += try cluster?.onChildReady(index, link: self) ?? []
        case .gatekeeper:
            try tellOfStrangers()
            takeDepartures()
        case .reload: if reloads?.takeRequest() == true { rereadKeys() }
        }
    }

    private func takeDepartures() {
        let departures = gatekeeper.takeDepartures()
        openLinks.subtract(departures)
        for descriptor in departures {
            if let peer = links[descriptor] {
                events.append(.linkInDoubt(peer))
            } else {
                gatekeeper.forgetDeparture(of: descriptor)
            }
        }
    }

    package func awaitDepartures(until deadline: UInt64) throws {
        // Processes of our own are told by their standard input, too, and waited for by their numbers.
        guard cluster == nil else { return }
        while !openLinks.isEmpty, MonotonicClock.now() < deadline {
            while MonotonicClock.now() < deadline, try socket.receive() != nil {}
            for source in try poller.wait(until: deadline) { try attend(to: source) }
        }
    }

    /// The next message that somebody may send us, or who may not any more and does; nil also in the middle of a flood.
    private func nextMessage() throws -> LinkEvent? {
        while burst < Self.longestBurst, let (route, message) = try socket.receive() {
            burst += 1
            let verdict = peers.see(
                route, key: message.senderKey, admitted: keys?.admitted, formerName: gatekeeper.nameOfRevoked,
                now: MonotonicClock.now())
            switch verdict {
            case .from(let peer):
                if descriptors[peer] == nil, let descriptor = message.linkDescriptor {
                    descriptors[peer] = descriptor
                    links[descriptor] = peer
                    openLinks.insert(descriptor)
                    if gatekeeper.awaitDeparture(of: descriptor) { takeDepartures() }
                }
                return .message(message, from: peer)
            case .revoked(let peer, let name): return .revoked(peer, keyName: name)
            case .dropped: break
            }
        }
        return nil
    }

    private func tellOfStrangers() throws {
        for report in try gatekeeper.takeReports() { say(report.sentence(isKeyed: keys != nil)) }
        guard let failure = gatekeeper.failure, !hasMournedGatekeeper else { return }
        hasMournedGatekeeper = true
        say(
            "warning: the thread at the door has ended (\(failure)). "
                + (keys == nil
                    ? "Strangers are not told of any more"
                    : "Workers that are here go on; no other can come in: stop this coordinator and go on with --resume")
        )
    }

    /// On SIGHUP.
    private func rereadKeys() {
        guard var keys else { return }
        do throws(KeyError) {
            for problem in try keys.rereadAdmitted() {
                say("warning: \(problem) (a key that this file held before stays as it was)")
            }
        } catch {
            return say("warning: the admitted keys stay as they were: \(error)")
        }
        self.keys = keys
        gatekeeper.admit(keys.admitted)
        let revoked = peers.revoke(notIn: keys.admitted, now: MonotonicClock.now())
        say(
            "read the admitted keys again: \(keys.admitted.count) may come in, \(revoked.count) that were here are cut off"
        )
        events += revoked.map { .revoked($0, keyName: $1) }
    }
}

extension Message {
    fileprivate var linkDescriptor: Int32? {
        if case .frames(let frames) = self { frames.first?.linkDescriptor } else { nil }
    }

    /// The key that its sender has proved.
    fileprivate var senderKey: PublicKey? {
        if case .frames(let frames) = self { frames.first?.senderKey } else { nil }
    }
}
