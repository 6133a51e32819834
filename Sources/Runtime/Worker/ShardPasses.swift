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
    private let byteLimit: Int
    /// Passes that `byteLimit` allows; nil: none has been made, and nobody may ever want one.
    private var limit: Int?
    private var made = 0
    /// Whose scratch memory serves all, where one thread uses them one after the other.
    private var lender: MicrobatchGradient?
    private let isShared: Bool

    init(_ network: NetworkDescription, byteLimit: Int, threads: Int) {
        self.network = network
        self.byteLimit = byteLimit
        isShared = threads == 1
    }

    /// Passes for the microbatches of a range, or for as many of the first as there is memory for.
    mutating func take(for range: MicrobatchRange) -> ShardPasses {
        var passes: ShardPasses = [:]
        for index in range.first..<range.end {
            if let pass = free.popLast() {
                passes[index] = pass
            } else if made < limit ?? 1 {
                passes[index] = make()
            }
        }
        return passes
    }

    private mutating func make() -> MicrobatchGradient {
        let pass = MicrobatchGradient(network, scratchOf: lender)
        // By the first, as if it lent its scratch memory to nobody.
        limit = limit ?? max(1, byteLimit / pass.byteCount)
        if isShared { lender = lender ?? pass }
        made += 1
        return pass
    }

    mutating func recycle(_ passes: ShardPasses) { free += passes.values }
}
