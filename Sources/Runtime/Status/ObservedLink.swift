// A link that is looked at: it counts the bytes of every peer, and lets somebody have a look around at fixed times, also while the
// coordinator only waits.
internal import Coordination
internal import Messaging

/// Passes everything on to another link.
final class ObservedLink: WorkerLink {
    private let link: any WorkerLink
    private var traffic: [PeerID: Traffic] = [:]
    /// Called on the coordinator's thread, between two events; returns when it wants to be called next.
    var look: (_ now: UInt64) -> UInt64 = { _ in .max }
    private var nextLook: UInt64 = 0

    init(_ link: any WorkerLink) { self.link = link }

    func traffic(of peer: PeerID) -> Traffic { traffic[peer] ?? Traffic() }

    /// A wait that was cut short ends with `.deadline`; whoever waits looks at the clock anyway.
    func next(until deadline: UInt64?) throws -> LinkEvent {
        let now = MonotonicClock.now()
        if now >= nextLook { nextLook = look(now) }
        let event = try link.next(until: min(deadline ?? .max, nextLook))
        if case .message(.frames(let frames), let peer) = event {
            traffic[peer, default: Traffic()].received += frames.reduce(0) { $0 + $1.count }
        }
        return event
    }

    func send(_ frames: [Frame], to peer: PeerID) throws -> SendResult {
        let result = try link.send(frames, to: peer)
        if result == .sent { traffic[peer, default: Traffic()].sent += frames.reduce(0) { $0 + $1.count } }
        return result
    }

    func keyName(of peer: PeerID) -> String? { link.keyName(of: peer) }

    func joined(processID: UInt32) { link.joined(processID: processID) }

    func awaitDepartures(until deadline: UInt64) throws { try link.awaitDepartures(until: deadline) }

    func forget(_ peer: PeerID) {
        traffic[peer] = nil
        link.forget(peer)
    }
}
