// A link that counts what passes through another one.
package import Coordination
package import Messaging
package import Runtime

/// Counts all messages; remembers the frame sizes of those from and to one peer while it is asked to.
package final class CountingLink: WorkerLink {
    private let link: any WorkerLink
    package private(set) var exchange = Exchange()
    /// The peer whose messages are noted, and their frame sizes.
    private var watched: PeerID?
    package private(set) var notes = Notes()

    package struct Notes: Sendable {
        package fileprivate(set) var sent: [[Int]] = []
        package fileprivate(set) var received: [[Int]] = []
    }

    package init(_ link: any WorkerLink) { self.link = link }

    /// Notes the frame sizes of the messages to and from `peer` from now on; nil: of nobody's.
    package func note(_ peer: PeerID?) {
        watched = peer
        if peer != nil { notes = Notes() }
    }

    package func send(_ frames: [Frame], to peer: PeerID) throws -> SendResult {
        exchange.sent.add(frames)
        if peer == watched { notes.sent.append(frames.map(\.count)) }
        return try link.send(frames, to: peer)
    }

    package func next(until deadline: UInt64?) throws -> LinkEvent {
        let event = try link.next(until: deadline)
        if case .message(.frames(let frames), let peer) = event {
            exchange.received.add(frames)
            if peer == watched { notes.received.append(frames.map(\.count)) }
        }
        return event
    }

    package func keyName(of peer: PeerID) -> String? { link.keyName(of: peer) }

    package func joined(processID: UInt32) { link.joined(processID: processID) }

    package func awaitDepartures(until deadline: UInt64) throws { try link.awaitDepartures(until: deadline) }

    package func forget(_ peer: PeerID) { link.forget(peer) }
}
