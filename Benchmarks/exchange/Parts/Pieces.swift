// The small pieces of the exchange by themselves: headers to bytes and back, and the reduction tree.
internal import Coordination
internal import Messaging
internal import ModelCore

/// A piece of work that can be repeated.
package struct Piece {
    package let name: String
    /// A run takes less than a microsecond.
    package let isShort: Bool
    /// Makes what it works on; the result is one run.
    package let prepare: () throws -> (() throws -> Void)
}

package func exchangePieces() -> [Piece] { headerPieces() + [treePiece(microbatches: 32)] }

private func treePiece(microbatches: Int) -> Piece {
    Piece(name: "tree of \(microbatches)", isShort: false) {
        let pool = BufferPool(count: ParameterLayout(NetworkDescription(kind: .siameseContrastive)).paddedCount)
        var tree = ReductionTree(microbatches: microbatches, pool: pool)
        return {
            tree.reset(microbatches: microbatches)
            for index in 0..<microbatches {
                let partial = Partial(gradient: pool.take(), lossSum: 0, exampleCount: 8, activeCount: 8)
                _ = tree.insert(partial, at: MicrobatchRange(first: index, count: 1))
            }
            if let root = tree.takeRoot() { pool.recycle(root.gradient) }
        }
    }
}

/// The shard of a step of 32 pairs with one worker, and its answer.
private func headerPieces() -> [Piece] {
    let extent = StepExtent(examples: 32, examplesPerMicrobatch: microbatchSize)
    let lease = ShardLease(
        run: RunID(high: 1, low: 2), step: 3, shard: 0, lease: 4,
        range: MicrobatchRange(first: 0, count: extent.microbatches), extent: extent, imagesPerExample: 2)
    let instant = Instant(nanoseconds: 1)
    let partials = Partials(
        answering: lease, times: WorkTimes(idle: instant, ready: instant, began: instant, ended: instant),
        weights: 5,
        nodes: lease.nodes.map { NodeSummary(node: $0, examples: 32, active: 32, lossSum: 1, gradient: 6) })
    let limits = MessageLimits(parameterCount: 1000)
    let (shard, answer) = (
        CoordinatorMessage.shard(lease, ShardContent(pixels: 3, targets: 4)), WorkerMessage.partials(partials)
    )
    return [
        Piece(name: "encode a shard", isShort: true) { { _ = shard.header } },
        Piece(name: "encode an answer", isShort: true) { { _ = answer.header } },
        Piece(name: "decode a shard", isShort: true) {
            let (header, sizes) = (shard.header, try shard.payloadSizes(limits))
            return {
                _ = try header.withUnsafeBytes {
                    try CoordinatorMessage.decode(header: $0, payloadSizes: sizes, limits: limits) { UInt64(3 + $0) }
                }
            }
        },
        Piece(name: "decode an answer", isShort: true) {
            let (header, sizes) = (answer.header, try answer.payloadSizes(limits))
            return {
                _ = try header.withUnsafeBytes {
                    try WorkerMessage.decode(header: $0, payloadSizes: sizes, limits: limits) { _ in 6 }
                }
            }
        },
    ]
}
