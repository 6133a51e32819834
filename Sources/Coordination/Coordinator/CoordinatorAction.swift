// What the coordinator's core asks its shell to do, and the reasons it gives. Values only: nothing happens here.

/// One thing to do; a list of them is done in order.
package enum CoordinatorAction: Equatable, Sendable {
    /// Send the welcome of this run, with the job description.
    case welcome(PeerID)
    /// Send this refusal.
    case refuse(PeerID, Refuse)
    /// Send the weights of this step.
    case weights(step: UInt64, to: PeerID)
    /// Send the shard, with the pixels and targets that belong to it.
    case lease(ShardLease, to: PeerID)
    /// Put the partials of the message just given into the reduction tree. `audited`: another worker still computes the
    /// same shard, and its answer will come as `compare`; keep fingerprints if you want to audit.
    case accept(ShardLease, audited: Bool)
    /// The message just given is a second answer for a shard that was answered under lease `first`: its bits must be
    /// the same. Not for the tree.
    case compare(ShardLease, first: UInt64)
    /// Drop the message just given.
    case ignore(PeerID, IgnoreReason)
    /// Send a ping; report `onUnreachable` if it cannot be sent.
    case ping(PeerID)
    /// Send a goodbye and forget the peer: what it may say later comes from a new one.
    case goodbye(PeerID, GoodbyeReason)
    /// Tell the user: a worker came.
    case joined(WorkerIdentity)
    /// Tell the user: a worker is gone.
    case lost(WorkerIdentity, LossReason)
    /// Tell the user, once per episode: a step is waiting and nobody is there to compute it.
    case noWorkers
    /// Tell the user, once per episode: somebody is there again.
    case workersBack
    /// All partials are in the tree: take the root, take the optimizer step, begin the next step.
    case stepComplete(UInt64)
    /// Stop the run: this shard cannot be computed. No step is ever skipped.
    case shardFailed(ShardFailure)
}

/// Why a worker is no longer one.
package enum LossReason: Equatable, Sendable {
    /// The shell could not send to it, or saw its process end.
    case unreachable
    case silent(limit: Duration)
    /// The same connection said hello with another incarnation.
    case replaced
    case left(reason: String)
    case malformedMessage(DecodingFailure)
}

extension LossReason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreachable: "the connection or the process is gone"
        case .silent(let limit): "not heard of for \(limit)"
        case .replaced: "it registered anew"
        case .left(let reason): "it left: \(reason)"
        case .malformedMessage(let failure): "it sent a malformed message: \(failure)"
        }
    }
}

/// Why a message was dropped.
package enum IgnoreReason: Equatable, Sendable {
    case notAdmitted
    case wrongRun(expected: RunID, got: RunID)
    /// `expected` is nil between steps.
    case wrongStep(expected: UInt64?, got: UInt64)
    /// The lease was never given to this worker, was answered already, or was taken back.
    case unknownLease(UInt64)
    /// The nodes or example counts are not those of the leased shard.
    case wrongNodes(lease: UInt64)
    /// The failure of a shard that somebody else has answered.
    case alreadyDone(shard: UInt32)
}

extension IgnoreReason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notAdmitted: "the sender is not a worker of this run (any more)"
        case .wrongRun(let expected, let got): "it belongs to run \(got), this is run \(expected)"
        case .wrongStep(let expected?, let got): "it belongs to step \(got), this is step \(expected)"
        case .wrongStep(nil, let got): "it belongs to step \(got), and no step is running"
        case .unknownLease(let lease): "the sender does not hold lease \(lease)"
        case .wrongNodes(let lease): "its sums are not those of the shard of lease \(lease)"
        case .alreadyDone(let shard): "shard \(shard) is done"
        }
    }
}

/// A shard that nobody could compute.
package struct ShardFailure: Equatable, Sendable {
    package let step: UInt64
    package let shard: UInt32
    package let range: MicrobatchRange
    /// What each attempt ended with, oldest first.
    package let attempts: [String]
}

extension ShardFailure: CustomStringConvertible {
    package var description: String {
        "step \(step), shard \(shard) (microbatches \(range)) failed in \(attempts.count) attempts: "
            + attempts.joined(separator: "; ")
    }
}
