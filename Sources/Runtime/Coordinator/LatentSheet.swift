// The first round's result: the latent vectors of a batch, put together from answers in the order of the examples, whoever sent them
// when.
package import Coordination
package import Messaging
internal import ModelCore

/// The latent vectors of consecutive microbatches.
package struct LatentSheet {
    private let part: MicrobatchRange
    private let extent: StepExtent
    private let floatsPerExample: Int
    /// [example of the part][tower][dimension]
    package private(set) var latents: [Float]

    /// - Parameter part: the microbatches that the sheet is for
    package init(_ part: MicrobatchRange, of extent: StepExtent, floatsPerExample: Int) {
        self.part = part
        self.extent = extent
        self.floatsPerExample = floatsPerExample
        latents = [Float](repeating: 0, count: extent.examples(in: part) * floatsPerExample)
    }

    mutating func insert(_ answer: Answer) { insert(answer.partials.nodes.map(\.node), answer.payload) }

    /// The frames of an answer's nodes have the right sizes: the decoder and the core have seen to it.
    package mutating func insert(_ nodes: [MicrobatchRange], _ payload: [Frame]) {
        for (node, frame) in zip(nodes, payload) {
            let floats = floats(of: node)
            latents.withUnsafeMutableBytes { sheet in
                let place = UnsafeMutableRawBufferPointer(
                    rebasing: sheet[4 * floats.lowerBound..<4 * floats.upperBound])
                frame.withUnsafeBytes { place.copyMemory(from: $0) }
            }
        }
    }

    /// The summary of a node, and its latent vectors, as a worker that had computed them would send them.
    package func node(_ node: MicrobatchRange) -> (summary: NodeSummary, frame: Frame) {
        let floats = floats(of: node)
        let frame = latents.withUnsafeBytes { sheet in
            Frame(copying: UnsafeRawBufferPointer(rebasing: sheet[4 * floats.lowerBound..<4 * floats.upperBound]))
        }
        let summary = NodeSummary(
            node: node, examples: UInt32(extent.examples(in: node)), active: 0, lossSum: 0, secondTermSum: 0,
            gradient: frame.fingerprint)
        return (summary, frame)
    }

    private func floats(of node: MicrobatchRange) -> Range<Int> {
        precondition(part.contains(node), "node \(node) of \(part)")
        let first = (node.first - part.first) * microbatchSize * floatsPerExample
        return first..<first + extent.examples(in: node) * floatsPerExample
    }
}
