// `--workers 0`: one worker in the coordinator's own process, with the same two cores and the same messages, but no socket and
// no second thread: a message is handled when it is sent.
package import Coordination
internal import Glibc
package import Messaging

/// The link to a worker engine in this process.
package final class InProcessLink: WorkerLink {
    private static let peer = PeerID(rawValue: 1)

    private let signals: SignalWatch?
    private let inbox = Inbox()
    private let engine: WorkerEngine

    /// What the engine has said and the coordinator has not heard yet.
    private final class Inbox {
        var messages: [Message] = []
    }

    package init(build: BuildIdentity, threads: Int, signals: SignalWatch?) throws {
        self.signals = signals
        let inbox = inbox
        engine = WorkerEngine(Self.configuration(build: build, threads: threads)) { (frames) throws(ZeroMQError) in
            inbox.messages.append(.frames(frames))
        }
        engine.whileComputing = {
            if let signal = signals?.received { throw StopRequest(signal: signal) }
        }
        try engine.start()
    }

    /// The worker does not take silence for a broken link, as others do: there is none to break, and while it computes, which may
    /// take longer than their patience, nobody is there to say anything.
    package static func configuration(build: BuildIdentity, threads: Int) -> WorkerConfiguration {
        var patience = WorkerPatience()
        patience.silenceLimit = .seconds(1 << 32)
        return WorkerConfiguration(
            build: build, incarnation: 1, threads: UInt16(threads), processID: UInt32(getpid()),
            processName: "this process", patience: patience)
    }

    package func send(_ frames: [Frame], to peer: PeerID) throws -> SendResult {
        guard peer == Self.peer, engine.end == nil else { return .unreachable }
        try engine.receive(.frames(frames))
        return .sent
    }

    package func next(until deadline: UInt64?) throws -> LinkEvent {
        if let signal = signals?.received { return .stopped(signal) }
        if inbox.messages.isEmpty, let due = engine.nextDeadline, MonotonicClock.now() >= due {
            try engine.onDeadline()
        }
        if inbox.messages.isEmpty {
            if let end = engine.end { throw RunFailure(.internalError, "the worker of this process has left: \(end)") }
            return .deadline
        }
        return .message(inbox.messages.removeFirst(), from: Self.peer)
    }

    package func keyName(of peer: PeerID) -> String? { nil }

    package func joined(processID: UInt32) {}

    package func awaitDepartures(until deadline: UInt64) {}

    package func forget(_ peer: PeerID) {}
}
