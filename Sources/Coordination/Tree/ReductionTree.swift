// The fixed-order sum of one step: partials go in as they arrive and are added by place, never by arrival
// (docs/exactness.md, item 3). Not thread-safe: one thread owns a tree and its pool.

/// An accumulator over the RFC 6962 tree of `microbatches` leaves.
///
/// As soon as both children of a node are there, right is added into left and the sum moves up to the node, so at most
/// one buffer per gap in the index order is held.
package struct ReductionTree {
    /// What `insert` did; a refused partial stays with the caller and the tree is unchanged.
    package enum Insertion: Equatable, Sendable {
        /// Added; other nodes are missing.
        case stored
        /// Added, and it was the last one: `takeRoot` has the sum.
        case completed
        /// The range is no node of this tree.
        case notANode
        /// The node, one of its ancestors or one of its descendants is already summed.
        case alreadyCovered
    }

    private var root: MicrobatchRange
    private let pool: BufferPool
    /// One slot per node, in the in-order numbering of the tree: a leaf i has slot 2i, a node split before leaf m has
    /// slot 2m − 1. So a node's subtree is a contiguous interval of slots.
    private var slots: [Partial?]

    /// A tree over `microbatches` leaves; the buffers of right-hand partials are recycled to `pool`.
    package init(microbatches: Int, pool: BufferPool) {
        root = MicrobatchRange(first: 0, count: microbatches)
        self.pool = pool
        slots = Array(repeating: nil, count: 2 * microbatches - 1)
    }

    package var isComplete: Bool { slots[Self.slot(of: root)] != nil }

    /// Empties the tree for a step of `microbatches`, keeping its memory and recycling what was left in it.
    package mutating func reset(microbatches: Int) {
        for case let partial? in slots { pool.recycle(partial.gradient) }
        root = MicrobatchRange(first: 0, count: microbatches)
        slots.removeAll(keepingCapacity: true)
        slots.append(contentsOf: repeatElement(nil, count: 2 * microbatches - 1))
    }

    /// Adds the sum over `node` in its place and carries upwards. The tree takes over the buffer unless it refuses.
    package mutating func insert(_ partial: Partial, at node: MicrobatchRange) -> Insertion {
        guard var ancestors = ancestors(of: node) else { return .notANode }
        guard isFree(node, ancestors) else { return .alreadyCovered }
        var sum = partial
        var place = node
        while let parent = ancestors.popLast(), let (left, right) = parent.children {
            let sibling = Self.slot(of: place == left ? right : left)
            guard let other = slots[sibling] else { break }
            slots[sibling] = nil
            var (leftSum, rightSum) = place == left ? (sum, other) : (other, sum)
            leftSum.add(rightSum)
            pool.recycle(rightSum.gradient)
            (sum, place) = (leftSum, parent)
        }
        slots[Self.slot(of: place)] = sum
        return place == root ? .completed : .stored
    }

    /// The sum over all microbatches, handed over to the caller; nil while some are missing.
    package mutating func takeRoot() -> Partial? { take(root) }

    /// The sum over `node` if exactly it has been completed, handed over to the caller. A worker whose threads finish
    /// microbatches out of order sums them in a tree and takes the maximal nodes of its range.
    package mutating func take(_ node: MicrobatchRange) -> Partial? {
        guard ancestors(of: node) != nil else { return nil }
        defer { slots[Self.slot(of: node)] = nil }
        return slots[Self.slot(of: node)]
    }

    /// The nodes above `node`, root first; nil if it is no node of this tree.
    private func ancestors(of node: MicrobatchRange) -> [MicrobatchRange]? {
        var path: [MicrobatchRange] = []
        var place = root
        while place != node {
            guard let (left, right) = place.children else { return nil }
            path.append(place)
            guard let next = [left, right].first(where: { $0.contains(node) }) else { return nil }
            place = next
        }
        return path
    }

    private func isFree(_ node: MicrobatchRange, _ ancestors: [MicrobatchRange]) -> Bool {
        ancestors.allSatisfy { slots[Self.slot(of: $0)] == nil }
            && slots[2 * node.first...2 * node.end - 2].allSatisfy { $0 == nil }
    }

    private static func slot(of node: MicrobatchRange) -> Int {
        node.children.map { 2 * $0.right.first - 1 } ?? 2 * node.first
    }
}
