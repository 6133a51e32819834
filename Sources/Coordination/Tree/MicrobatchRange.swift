// A contiguous range of microbatch indices and its place in the reduction tree: pure index arithmetic, no gradients.

/// Microbatches `first ..< first + count` of one step; never empty.
///
/// The tree over `n` microbatches is that of RFC 6962, section 2.1: a node of more than one microbatch is split at the
/// largest power of two smaller than its count, so the shape depends on `n` alone. A *node* is a range that this
/// splitting produces, starting at `0 ..< n`.
package struct MicrobatchRange: Hashable, Sendable {
    package let first: Int
    package let count: Int

    package init(first: Int, count: Int) {
        precondition(
            first >= 0 && count > 0, "a microbatch range needs first ≥ 0 and count > 0, not \(first), \(count)")
        self.first = first
        self.count = count
    }

    package var end: Int { first + count }

    package func contains(_ other: MicrobatchRange) -> Bool { first <= other.first && other.end <= end }

    package func overlaps(_ other: MicrobatchRange) -> Bool { first < other.end && other.first < end }

    /// The two halves of a node, or nil for a single microbatch.
    package var children: (left: MicrobatchRange, right: MicrobatchRange)? {
        guard count > 1 else { return nil }
        let leftCount = 1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount)
        return (
            MicrobatchRange(first: first, count: leftCount),
            MicrobatchRange(first: first + leftCount, count: count - leftCount)
        )
    }

    /// The largest tree nodes inside this range, in index order, for a step of `total` microbatches.
    ///
    /// At most 2·log₂(total) of them; exactly one where the range is itself a node. Their union is the range.
    package func maximalNodes(of total: Int) -> [MicrobatchRange] {
        precondition(end <= total, "range \(self) reaches beyond the \(total) microbatches of its step")
        var nodes: [MicrobatchRange] = []
        collectMaximalNodes(under: MicrobatchRange(first: 0, count: total), into: &nodes)
        return nodes
    }

    private func collectMaximalNodes(under node: MicrobatchRange, into nodes: inout [MicrobatchRange]) {
        guard overlaps(node) else { return }
        if contains(node) {
            nodes.append(node)
        } else if let (left, right) = node.children {
            collectMaximalNodes(under: left, into: &nodes)
            collectMaximalNodes(under: right, into: &nodes)
        }
    }
}

extension MicrobatchRange: CustomStringConvertible {
    package var description: String { "\(first)..<\(end)" }
}
