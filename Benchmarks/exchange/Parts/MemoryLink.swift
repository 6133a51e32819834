// Workers that compute nothing, without sockets: a message is handled when it is sent. What a step exchanges is then the same in
// every run.
package import Coordination
package import Messaging
package import Runtime

/// The link to `FixedWorker`s on the same thread.
package final class MemoryLink: WorkerLink {
    private final class Inbox {
        var messages: [(message: Message, peer: PeerID)] = []
    }

    private let inbox = Inbox()
    private let workers: [FixedWorker]

    package init(workers count: Int, build: BuildIdentity) throws {
        let inbox = inbox
        workers = (1...count).map { number in
            FixedWorker(number: number, build: build) { frames in
                inbox.messages.append((.frames(frames), PeerID(rawValue: UInt64(number))))
            }
        }
        for worker in workers { try worker.start() }
    }

    package func send(_ frames: [Frame], to peer: PeerID) throws -> SendResult {
        let worker = workers[Int(peer.rawValue) - 1]
        guard worker.end == nil else { return .unreachable }
        try worker.receive(.frames(frames))
        return .sent
    }

    package func next(until deadline: UInt64?) throws -> LinkEvent {
        guard !inbox.messages.isEmpty else { return .deadline }
        let (message, peer) = inbox.messages.removeFirst()
        return .message(message, from: peer)
    }

    package func keyName(of peer: PeerID) -> String? { nil }

    package func joined(processID: UInt32) {}

    package func awaitDepartures(until deadline: UInt64) {}

    package func forget(_ peer: PeerID) {}
}
