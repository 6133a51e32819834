// The worker's side of the fixed-order sum: consecutive microbatches of one node, with a handful of buffers.

/// Adds the microbatches of one tree node in index order exactly as `ReductionTree` would.
///
/// It is a binary counter: the stack holds sums over 2ᵏ microbatches with strictly falling k, and two sums of equal size
/// merge at once, so log₂(count) + 1 buffers are enough. What is left at the end folds from the right, which is
/// RFC 6962's split for a ragged node.
package struct SubtreeAccumulator {
    private let node: MicrobatchRange
    private let pool: BufferPool
    private var sums: [Partial] = []
    private var added = 0

    package init(node: MicrobatchRange, pool: BufferPool) {
        self.node = node
        self.pool = pool
    }

    /// Adds the next microbatch of the node and takes over its buffer.
    package mutating func add(_ microbatch: Partial) {
        precondition(added < node.count, "node \(node) has only \(node.count) microbatches")
        sums.append(microbatch)
        added += 1
        for _ in 0..<added.trailingZeroBitCount { mergeTopTwo() }
    }

    /// The sum over the whole node; its buffer goes to the caller.
    package mutating func finish() -> Partial {
        precondition(added == node.count, "node \(node) has \(node.count) microbatches, \(added) were added")
        while sums.count > 1 { mergeTopTwo() }
        return sums.removeLast()
    }

    private mutating func mergeTopTwo() {
        let right = sums.removeLast()
        sums[sums.count - 1].add(right)
        pool.recycle(right.gradient)
    }
}
