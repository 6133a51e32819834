// A link under a service manager's watchdog: every wait is short enough that the manager hears in time that the coordinator's loop
// turns. A loop that hangs anywhere stops beating, and is restarted.
internal import Coordination
internal import Messaging

/// Passes everything on to another link.
final class WatchedLink: WorkerLink {
    private let link: any WorkerLink
    private let service: ServiceNotifier

    init(_ link: any WorkerLink, service: ServiceNotifier) {
        self.link = link
        self.service = service
    }

    /// A wait that was cut short ends with `.deadline`; whoever waits looks at the clock anyway.
    func next(until deadline: UInt64?) throws -> LinkEvent {
        service.beat()
        return try link.next(until: [deadline, service.nextBeat].compactMap { $0 }.min())
    }

    func send(_ frames: [Frame], to peer: PeerID) throws -> SendResult { try link.send(frames, to: peer) }

    func keyName(of peer: PeerID) -> String? { link.keyName(of: peer) }

    func joined(processID: UInt32) { link.joined(processID: processID) }

    func awaitDepartures(until deadline: UInt64) throws { try link.awaitDepartures(until: deadline) }

    func forget(_ peer: PeerID) { link.forget(peer) }
}
