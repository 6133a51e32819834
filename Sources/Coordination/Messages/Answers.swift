// What an admitted worker says: partials, progress, failure, goodbye. Gradients travel in payload frames, not in here.

/// The sums of one tree node; of its gradient, which is the payload frame of the same index, the fingerprint. In a first round the
/// frame is the latent vectors of the node's examples, [example][tower][dimension], and the sums are zero.
package struct NodeSummary: Equatable, Sendable {
    package let node: MicrobatchRange
    package let examples: UInt32
    package let active: UInt32
    package let lossSum: Double
    /// Of the loss's second term; zero where it has one only.
    package let secondTermSum: Double
    package let gradient: UInt64

    /// - Parameter gradient: `fingerprint(of:)` its floats.
    package init(
        node: MicrobatchRange, examples: UInt32, active: UInt32, lossSum: Double, secondTermSum: Double = 0,
        gradient: UInt64
    ) {
        self.node = node
        self.examples = examples
        self.active = active
        self.lossSum = lossSum
        self.secondTermSum = secondTermSum
        self.gradient = gradient
    }

    /// Equal bits (so a NaN equals itself: an audit compares bits, not numbers).
    package static func == (left: NodeSummary, right: NodeSummary) -> Bool {
        left.node == right.node && left.examples == right.examples && left.active == right.active
            && left.lossSum.bitPattern == right.lossSum.bitPattern
            && left.secondTermSum.bitPattern == right.secondTermSum.bitPattern && left.gradient == right.gradient
    }
}

/// "Here are the sums of the shard that you leased to me, one per tree node." One payload frame of floats per node.
package struct Partials: Equatable, Sendable {
    package let run: RunID
    package let step: UInt64
    package let shard: UInt32
    package let lease: UInt64
    package let task: ShardTask
    package let times: WorkTimes
    /// Fingerprint of the weights that the sums were computed at, taken after the computation.
    package let weights: UInt64
    package let nodes: [NodeSummary]

    package init(answering lease: ShardLease, times: WorkTimes, weights: UInt64, nodes: [NodeSummary]) {
        run = lease.run
        step = lease.step
        shard = lease.shard
        self.lease = lease.lease
        task = lease.task
        self.times = times
        self.weights = weights
        self.nodes = nodes
    }

    func payload(_ limits: MessageLimits) throws(DecodingFailure) -> [PayloadFrame] {
        if task == .embeddings {
            let size = try limits.latentBytesPerExample()
            return nodes.map { PayloadFrame(size: size * Int($0.examples), fingerprint: $0.gradient) }
        }
        let size = try limits.floatFrameBytes()
        return nodes.map { PayloadFrame(size: size, fingerprint: $0.gradient) }
    }

    func encoded() -> [UInt8] {
        var writer = HeaderWriter(.partials, run: run)
        writer.integer(step)
        writer.integer(lease)
        writer.integer(shard)
        writer.integer(task.rawValue)
        times.encode(&writer)
        writer.integer(weights)
        writer.integer(UInt32(nodes.count))
        for summary in nodes {
            writer.integer(UInt32(summary.node.first))
            writer.integer(UInt32(summary.node.count))
            writer.integer(summary.examples)
            writer.integer(summary.active)
            writer.double(summary.lossSum)
            writer.double(summary.secondTermSum)
            writer.integer(summary.gradient)
        }
        return writer.sealed()
    }

    init(run: RunID, _ reader: inout HeaderReader, _ limits: MessageLimits) throws(DecodingFailure) {
        self.run = run
        step = try reader.integer("step")
        lease = try reader.integer("lease")
        shard = try reader.integer("shard")
        task = try reader.task()
        times = try WorkTimes(&reader)
        weights = try reader.integer("fingerprint of the weights")
        let count = try reader.count("node count", limit: MessageLimits.maximumNodes)
        guard count > 0 else { throw .inconsistent("an answer without any tree node") }
        var nodes: [NodeSummary] = []
        for _ in 0..<count { nodes.append(try NodeSummary(&reader, limits)) }
        self.nodes = nodes
    }
}

extension NodeSummary {
    init(_ reader: inout HeaderReader, _ limits: MessageLimits) throws(DecodingFailure) {
        let first = try reader.count("node's first microbatch", limit: limits.maximumExamples)
        let count = try reader.count("node's microbatch count", limit: limits.maximumExamples)
        guard count > 0 else { throw .inconsistent("a tree node without microbatches") }
        node = MicrobatchRange(first: first, count: count)
        examples = UInt32(try reader.count("node's examples", limit: limits.maximumExamples))
        active = UInt32(try reader.count("node's active examples", limit: Int(examples)))
        lossSum = try reader.double("node's loss sum")
        secondTermSum = try reader.double("sum of the second term of the node's loss")
        gradient = try reader.integer("fingerprint of the node's gradient")
    }
}

/// "I am alive, and this is how far I am." Sent at a steady interval by the application itself, also when idle.
package struct Progress: Equatable, Sendable {
    package let run: RunID
    package let step: UInt64
    /// The lease being computed; 0: I have nothing to do.
    package let lease: UInt64
    package let microbatchesDone: UInt32

    package init(run: RunID, step: UInt64, lease: UInt64, microbatchesDone: UInt32) {
        self.run = run
        self.step = step
        self.lease = lease
        self.microbatchesDone = microbatchesDone
    }

    package var isIdle: Bool { lease == 0 }

    func encoded() -> [UInt8] {
        var writer = HeaderWriter(.progress, run: run)
        writer.integer(step)
        writer.integer(lease)
        writer.integer(microbatchesDone)
        return writer.sealed()
    }

    init(run: RunID, _ reader: inout HeaderReader) throws(DecodingFailure) {
        self.run = run
        step = try reader.integer("step")
        lease = try reader.integer("lease")
        microbatchesDone = try reader.integer("microbatches done")
    }
}

/// "I could not compute the shard that you leased to me; let somebody else try."
package struct Failure: Equatable, Sendable {
    package let run: RunID
    package let step: UInt64
    package let shard: UInt32
    package let lease: UInt64
    package let reason: String

    package init(answering lease: ShardLease, reason: String) {
        run = lease.run
        step = lease.step
        shard = lease.shard
        self.lease = lease.lease
        self.reason = HeaderWriter.sendable(reason, limit: MessageLimits.maximumReasonBytes)
    }

    func encoded() -> [UInt8] {
        var writer = HeaderWriter(.failure, run: run)
        writer.integer(step)
        writer.integer(lease)
        writer.integer(shard)
        writer.text(reason, limit: MessageLimits.maximumReasonBytes)
        return writer.sealed()
    }

    init(run: RunID, _ reader: inout HeaderReader) throws(DecodingFailure) {
        self.run = run
        step = try reader.integer("step")
        lease = try reader.integer("lease")
        shard = try reader.integer("shard")
        reason = try reader.text("reason", limit: MessageLimits.maximumReasonBytes)
    }
}

extension Partials: CustomStringConvertible {
    package var description: String {
        "lease \(lease) (step \(step), shard \(shard)), \(nodes.count) nodes in \(times.computing)"
    }
}
