// The coordinator's own opinion: computes a shard in this process, with the same kernels as any worker. Asked when two workers
// disagree, when nobody is there to check the only one, and when a sum is not finite.
internal import Coordination
internal import Messaging
internal import ModelCore

/// Computes single shards. Made when it is first needed: its workspace is memory that most runs never use.
final class Arbiter {
    private let computer: ShardComputer

    init(_ network: NetworkDescription) { computer = ShardComputer(network, threads: 1) }

    /// The sums of a shard, without their gradients.
    func nodes(of lease: ShardLease, payload: [Frame], weights: Frame) -> [NodeSummary] {
        let sums = computer.sums(of: lease, payload: payload, weights: weights)
        sums.gradients.forEach(computer.recycle)
        return sums.nodes
    }
}
