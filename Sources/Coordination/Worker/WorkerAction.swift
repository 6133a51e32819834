// What the worker's core asks its shell to do. Values only: nothing happens here.

/// One thing to do; a list of them is done in order.
package enum WorkerAction: Equatable, Sendable {
    /// Send the message; partials take their payload frames from the computation just reported.
    case send(WorkerMessage)
    /// The coordinator took us: prepare for its job description. Repeated when a restarted coordinator has a new run.
    case prepare(Welcome)
    /// Keep the payload frames of the message just given until `compute` or `drop` names its lease.
    case keep(ShardLease)
    /// Keep the weights of the message just given, those of this step, in place of any others. A computation under way
    /// still needs its own.
    case keepWeights(step: UInt64)
    /// Compute the shard at the weights that were kept last; report `onProgress` on the way if it takes long, and `onComputed` or `onFailed` at the end.
    /// Never given while another computation is under way.
    case compute(ShardLease)
    /// Let go of the payload frames of this lease: it will not be computed.
    case drop(ShardLease)
    /// Drop the message just given.
    case ignore(WorkerIgnoreReason)
    /// The worker's life is over: leave, with the exit code that belongs to the end.
    case finish(WorkerEnd)
}

/// Why a worker ends.
package enum WorkerEnd: Equatable, Sendable {
    /// The run is complete, or was stopped: all is well.
    case finished(GoodbyeReason)
    /// We were told to leave.
    case left
    /// The coordinator does not want us, and says why.
    case refused(Refuse)
    /// Nobody welcomed us within the limit.
    case noCoordinator(limit: Duration)
    /// The coordinator is gone, and neither it nor a successor was found within the limit.
    case lostCoordinator(limit: Duration)
}

extension WorkerEnd: CustomStringConvertible {
    package var description: String {
        switch self {
        case .finished(let reason): reason == .finished ? "the run is complete" : "the run was stopped"
        case .left: "told to leave"
        case .refused(let refusal): "the coordinator refused this worker: \(refusal.reason)"
        case .noCoordinator(let limit):
            "no coordinator answered within \(limit): is it running, and is the address right?"
        case .lostCoordinator(let limit): "the coordinator is gone and was not found again within \(limit)"
        }
    }
}

/// Why a worker dropped a message.
package enum WorkerIgnoreReason: Equatable, Sendable {
    case notAdmitted
    case alreadyAdmitted
    case wrongRun(expected: RunID, got: RunID)
    /// The shard or the weights belong to a step before the one we work on.
    case staleStep(current: UInt64, got: UInt64)
    /// The same lease came twice.
    case duplicateLease(UInt64)
    /// It is from a coordinator that another one of the same job has followed.
    case outdatedCoordinator(newest: RunID, got: RunID)
    /// More leases than a coordinator may give.
    case queueFull(limit: Int)
    /// A status report: a worker never asks for one.
    case notAskedFor
}

extension WorkerIgnoreReason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notAdmitted: "it came before the welcome"
        case .alreadyAdmitted: "we have been welcomed already"
        case .wrongRun(let expected, let got): "it belongs to run \(got), we work for run \(expected)"
        case .staleStep(let current, let got): "it belongs to step \(got), we are at step \(current)"
        case .duplicateLease(let lease): "lease \(lease) came twice"
        case .outdatedCoordinator(let newest, let got):
            "it is from epoch \(got.low) of this job, and epoch \(newest.low) has begun: an outdated coordinator is at work"
        case .notAskedFor: "nobody here has asked for it"
        case .queueFull(let limit): "\(limit) shards are queued already"
        }
    }
}
