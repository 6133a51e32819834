// A worker's partials as they arrived: the header, and the gradients in their frames.
internal import Coordination
internal import Messaging

struct Answer {
    let partials: Partials
    let payload: [Frame]

    /// Puts every sum in its place. The tree takes the received frames over, where it can.
    func insert(into tree: inout ReductionTree, _ pool: BufferPool) {
        for (summary, frame) in zip(partials.nodes, payload) {
            let partial = Partial(
                gradient: Self.gradient(in: frame, pool), lossSum: summary.lossSum,
                secondTermSum: summary.secondTermSum, exampleCount: summary.examples, activeCount: summary.active)
            let insertion = tree.insert(partial, at: summary.node)
            precondition(insertion == .stored || insertion == .completed, "node \(summary.node): \(insertion)")
        }
    }

    private static func gradient(in frame: Frame, _ pool: BufferPool) -> GradientBuffer {
        if let bytes = frame.takenBytes, let buffer = GradientBuffer(adopting: bytes, of: frame) { return buffer }
        let buffer = pool.take()
        frame.withUnsafeBytes { buffer.copyBytes(from: $0) }
        return buffer
    }
}
