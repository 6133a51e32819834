// The first round's result: the latent vectors of a batch, put together from answers in the order of the examples, whoever sent them
// when.
internal import Coordination
internal import Messaging
internal import ModelCore

/// The latent vectors of consecutive microbatches.
struct LatentSheet {
    private let part: MicrobatchRange
    private let extent: StepExtent
    private let floatsPerExample: Int
    /// [example of the part][tower][dimension]
    private(set) var latents: [Float]

    /// - Parameter part: the microbatches that the sheet is for
    init(_ part: MicrobatchRange, of extent: StepExtent, floatsPerExample: Int) {
        self.part = part
        self.extent = extent
        self.floatsPerExample = floatsPerExample
        latents = [Float](repeating: 0, count: extent.examples(in: part) * floatsPerExample)
    }

    /// The frames of the answer's nodes have the right sizes: the decoder has seen to it.
    mutating func insert(_ answer: Answer) {
        for (summary, frame) in zip(answer.partials.nodes, answer.payload) {
            let floats = floats(of: summary.node)
            latents.withUnsafeMutableBytes { sheet in
                let place = UnsafeMutableRawBufferPointer(
                    rebasing: sheet[4 * floats.lowerBound..<4 * floats.upperBound])
                frame.withUnsafeBytes { place.copyMemory(from: $0) }
            }
        }
    }

    /// The summary of a node, and its latent vectors, as a worker that had computed them would send them.
    func node(_ node: MicrobatchRange) -> (summary: NodeSummary, frame: Frame) {
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
