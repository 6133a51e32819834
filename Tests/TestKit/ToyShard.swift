// What a worker of a simulation, or its coordinator's arbiter, makes of a shard.

import Coordination

/// What the weights message of a round carries.
struct RoundContent {
    /// Of the round, as the protocol counts.
    let number: UInt64
    let weights: [Float]
    /// Of a second round.
    let latentGradients: [Float]?
    let payload: [[UInt8]]

    init(number: UInt64, _ payload: [[UInt8]]) {
        self.number = number
        self.payload = payload
        weights = FloatFrame.floats(payload[0])
        latentGradients = payload.count > 1 ? FloatFrame.floats(payload[1]) : nil
    }

    init(number: UInt64, weights: [Float], latentGradients: [Float]? = nil) {
        self.init(number: number, [FloatFrame.bytes(weights)] + (latentGradients.map { [FloatFrame.bytes($0)] } ?? []))
    }

    var wire: WeightsContent {
        WeightsContent(
            weights: Coordination.fingerprint(of: payload[0]), latentGradients: latentGradients?.count ?? 0,
            latentGradient: payload.count > 1 ? Coordination.fingerprint(of: payload[1]) : 0)
    }

    var fingerprint: UInt64 { wire.fingerprint }

    /// The message that brings it to who has the weights since the first round, or to anybody.
    func message(_ run: RunID, hasWeights: Bool) -> (CoordinatorMessage, [[UInt8]]) {
        if hasWeights { return (.latentGradients(run: run, step: number, content: wire), [payload[1]]) }
        return (.weights(run: run, step: number, content: wire), payload)
    }
}

/// A lease and all that it is computed from.
struct ToyShard {
    let lease: ShardLease
    let content: RoundContent
    let extent: StepExtent
    /// The training step.
    let step: UInt64

    init(_ lease: ShardLease, _ content: RoundContent, examplesPerMicrobatch: Int) {
        self.lease = lease
        self.content = content
        extent = StepExtent(examples: lease.totalExamples, examplesPerMicrobatch: examplesPerMicrobatch)
        step = lease.task.step(ofNumber: lease.step)
    }

    func examples(in node: MicrobatchRange) -> UInt32 { UInt32(extent.examples(in: node)) }

    /// The latent vectors of every microbatch.
    func passes() -> [Int: [Float]] {
        Dictionary(uniqueKeysWithValues: (lease.range.first..<lease.range.end).map { ($0, latents($0)) })
    }

    func latents(of node: MicrobatchRange, _ passes: [Int: [Float]]) -> [Float] {
        (node.first..<node.end).flatMap { passes[$0] ?? latents($0) }
    }

    private func latents(_ microbatch: Int) -> [Float] {
        ToyModel.latents(step: step, microbatch: microbatch, weights: content.weights, extent: extent)
    }

    /// The sum over a node of the lease; what is not in `passes` is computed again.
    func sum(over node: MicrobatchRange, passes: [Int: [Float]]?, _ pool: BufferPool) -> Partial {
        var accumulator = SubtreeAccumulator(node: node, pool: pool)
        for microbatch in node.first..<node.end {
            accumulator.add(ToyModel.fill(pool.take(), with: sums(microbatch, passes)))
        }
        return accumulator.finish()
    }

    private func sums(_ microbatch: Int, _ passes: [Int: [Float]]?) -> Sums {
        let weights = content.weights
        guard let latentGradients = content.latentGradients else {
            let examples = extent.examples(in: MicrobatchRange(first: microbatch, count: 1))
            return ToyModel.gradientSums(step: step, microbatch: microbatch, weights: weights, examples: examples)
        }
        return ToyModel.secondSums(
            step: step, microbatch: microbatch, weights: weights, latents: passes?[microbatch] ?? latents(microbatch),
            latentGradients: latentGradients, extent: extent)
    }

    /// The summaries of its nodes.
    func nodes(_ pool: BufferPool) -> [NodeSummary] {
        lease.nodes.map { node in
            guard lease.task == .embeddings else {
                let sum = sum(over: node, passes: nil, pool)
                defer { pool.recycle(sum.gradient) }
                return NodeSummary(node, sum)
            }
            let frame = FloatFrame.bytes(latents(of: node, [:]))
            return NodeSummary(
                node: node, examples: examples(in: node), active: 0, lossSum: 0, gradient: fingerprint(of: frame))
        }
    }
}
