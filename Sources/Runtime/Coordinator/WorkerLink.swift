// What a coordinator's shell needs of whatever lies between it and its workers. Two kinds: a ROUTER socket, and a worker in the
// same process.
package import Coordination
package import Messaging

/// Something that happened while the coordinator waited.
package enum LinkEvent {
    case message(Message, from: PeerID)
    /// A worker process on this machine has ended.
    case workerEnded(processID: UInt32)
    /// SIGINT or SIGTERM.
    case stopped(StopSignal)
    /// The deadline came first.
    case deadline
}

/// Carries messages between a coordinator and its workers. One thread.
package protocol WorkerLink: AnyObject {
    /// Queues a message; never blocks.
    func send(_ frames: [Frame], to peer: PeerID) throws -> SendResult
    /// The next event, at the latest at `deadline` (nanoseconds of `MonotonicClock`; nil: whenever something happens).
    func next(until deadline: UInt64?) throws -> LinkEvent
    /// A worker of this process id has been welcomed.
    func joined(processID: UInt32)
    /// The peer will not be spoken to again; what it may still say comes from a new one.
    func forget(_ peer: PeerID)
}
