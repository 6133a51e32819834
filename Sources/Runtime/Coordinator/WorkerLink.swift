// What a coordinator's shell needs of whatever lies between it and its workers. Two kinds: a ROUTER socket, and a worker in the
// same process.
package import Coordination
package import Messaging

/// Something that happened while the coordinator waited.
package enum LinkEvent {
    case message(Message, from: PeerID)
    /// A worker process on this machine has ended.
    case workerEnded(processID: UInt32)
    /// The link to a worker may have broken: a ping will tell.
    case linkInDoubt(PeerID)
    /// A worker's key is no longer admitted. Nothing that it says is passed on any more; it can still be told why.
    case revoked(PeerID, keyName: String)
    /// SIGINT or SIGTERM.
    case stopped(StopSignal)
    /// The deadline came first.
    case deadline
}

/// Carries messages between a coordinator and its workers. One thread.
package protocol WorkerLink: AnyObject {
    /// Queues a message; never blocks.
    func send(_ frames: [Frame], to peer: PeerID) throws -> SendResult
    /// The next event, at the latest at `deadline` (nanoseconds of `MonotonicClock`; nil: whenever something happens). `.deadline`
    /// may come earlier, among many messages, so that whoever waits gets to look at the clock.
    func next(until deadline: UInt64?) throws -> LinkEvent
    /// The name of the key that the peer has proved; nil on a link without keys.
    func keyName(of peer: PeerID) -> String?
    /// A worker of this process id has been welcomed.
    func joined(processID: UInt32)
    /// Waits until everybody has hung up, at the latest until `deadline`; nothing that is said is listened to any more. What a
    /// worker has received and not read when its link breaks is lost, and that would be the farewell.
    func awaitDepartures(until deadline: UInt64) throws
    /// The peer will not be spoken to again; what it may still say comes from a new one.
    func forget(_ peer: PeerID)
}
