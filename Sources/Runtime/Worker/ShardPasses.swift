// What a worker keeps between the two rounds of a step: the passes that embedded the microbatches of a shard, with all their
// activations, so that the second round need not begin with the first. What does not fit is computed again.
internal import Coordination
package import ModelCore

/// The forward passes of a shard's microbatches, by their index in the step; nil: it was not kept.
package typealias ShardPasses = [Int: MicrobatchGradient]

/// Gives out passes, up to so many bytes of them.
struct PassPool {
    private let network: NetworkDescription
    private var free: [MicrobatchGradient] = []
    private var made = 0
    private let limit: Int

    init(_ network: NetworkDescription, byteLimit: Int) {
        self.network = network
        limit = max(1, byteLimit / EncoderPass.byteCount(network, towers: network.kind.towers))
    }

    /// Passes for the microbatches of a range, or for as many of the first as there is memory for.
    mutating func take(for range: MicrobatchRange) -> ShardPasses {
        var passes: ShardPasses = [:]
        for index in range.first..<range.end {
            if let pass = free.popLast() {
                passes[index] = pass
            } else if made < limit {
                made += 1
                passes[index] = MicrobatchGradient(network)
            }
        }
        return passes
    }

    mutating func recycle(_ passes: ShardPasses) { free += passes.values }
}
