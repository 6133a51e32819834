// What the coordinator's core asks its shell to do, and the reasons it gives. Values only: nothing happens here.

/// One thing to do; a list of them is done in order.
package enum CoordinatorAction: Equatable, Sendable {
    /// Send the welcome of this run, with the job description.
    case welcome(PeerID)
    /// Send this refusal.
    case refuse(PeerID, Refuse)
    /// Send the weights of this step.
    case weights(step: UInt64, to: PeerID)
    /// Send the gradients of the latent vectors of this second round, to somebody who has its weights since the first.
    case latentGradients(step: UInt64, to: PeerID)
    /// Send the shard, with the pixels and targets that belong to it.
    case lease(ShardLease, to: PeerID)
    /// Put the partials of the message just given into the reduction tree.
    case accept(ShardLease)
    /// Two workers, or a worker and the arbiter, have given the same bits for this shard. Nothing to do.
    case confirmed(ShardLease)
    /// Compute this shard here, at the weights of its step (the running one or the one before it), and report `onArbitration`: two answers differ, there is nobody for
    /// a second opinion, or the sum of the step is not finite.
    case arbitrate(ShardLease)
    /// Tell the user: this worker computed other bits than two others. What it has contributed since it was last confirmed is
    /// named.
    case quarantined(WorkerIdentity, unconfirmed: UnconfirmedResults?)
    /// Results that are wrong, or may be, have been used: go back to the state before this step, and begin it anew. The core
    /// waits for `beginStep`.
    case goBack(before: UInt64)
    /// Stop the run: the sum of this step is not finite, and every shard of it has been computed twice with the same bits. It
    /// is the model that has diverged.
    case diverged(step: UInt64)
    /// Stop the run: of a shard there are only different answers, so nobody knows which is right. The last state that nobody
    /// doubts is that before step `before`.
    case noMajority(ShardLease, opinions: [String], before: UInt64)
    /// Drop the message just given.
    case ignore(PeerID, IgnoreReason)
    /// Send a ping; report `onUnreachable` if it cannot be sent.
    case ping(PeerID)
    /// Send a goodbye and forget the peer: what it may say later comes from a new one.
    case goodbye(PeerID, GoodbyeReason)
    /// Send a report of how the run stands.
    case report(to: PeerID)
    /// Forget the peer without a word: it has only asked, a while ago, and may ask again as a new one.
    case forget(PeerID)
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
    /// It said hello on another connection.
    case moved
    /// It computed something else than others did for the same shard.
    case quarantined
    /// It failed on shards that others could compute.
    case failing(shards: Int)
    /// Its key is not admitted any more.
    case revoked
}

extension LossReason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreachable: "the connection or the process is gone"
        case .silent(let limit): "not heard of for \(limit)"
        case .replaced: "it registered anew"
        case .left(let reason): "it left: \(reason)"
        case .malformedMessage(let failure): "it sent a malformed message: \(failure)"
        case .moved: "it came back on another connection"
        case .quarantined: "it computes wrongly"
        case .failing(let shards): "it failed on \(shards) shards that others could compute"
        case .revoked: "its key is not admitted any more"
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
    /// The sums were computed at other weights than those of the step.
    case wrongWeights(lease: UInt64)
    case malformed(DecodingFailure)
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
        case .wrongWeights(let lease): "the shard of lease \(lease) was computed at damaged weights"
        case .malformed(let failure): "it is no message of this protocol: \(failure)"
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
