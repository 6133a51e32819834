// The coordinator's own opinion: computes a shard in this process, with the same kernels as any worker. Asked when two workers
// disagree, when nobody is there to check the only one, and when a sum is not finite.
internal import Coordination
internal import Messaging
internal import ModelCore

/// Computes single shards. Made when it is first needed: its workspace is memory that most runs never use.
final class Arbiter {
    private let computer: ShardComputer

    /// Nanoseconds between two pauses, about.
    private static let longestAbsence: UInt64 = 50_000_000

    init(_ network: NetworkDescription) {
        computer = ShardComputer(network, threads: Machine.evaluationThreads)
    }

    /// The sums of a shard, without their gradients.
    ///
    /// - Parameter pausing: called now and then; what it throws ends the computation
    func nodes(
        of lease: ShardLease, payload: [Frame], weights: [Frame], pausing: () throws -> Void
    ) throws -> [NodeSummary] {
        var lastPause = MonotonicClock.now()
        let sums = try computer.sums(of: lease, payload: payload, weights: weights) { _ in
            guard MonotonicClock.now() - lastPause >= Self.longestAbsence else { return }
            try pausing()
            lastPause = MonotonicClock.now()
        }
        if let passes = sums.passes { computer.recycle(passes) }
        if lease.task != .embeddings { sums.gradients.forEach(computer.recycle) }
        return sums.nodes
    }
}
