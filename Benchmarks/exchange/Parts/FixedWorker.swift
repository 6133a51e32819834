// A worker that computes nothing: the real core and codec, and an answer that is always the same floats.
package import Coordination
package import Messaging
internal import ModelCore

/// Answers every shard at once with zeros. Whoever owns it passes messages in and sends what comes out, as with a worker's engine.
package final class FixedWorker {
    package typealias Send = ([Frame]) throws -> Void

    /// What it says of its speed: longer than any turnaround here, so that the coordinator takes all workers for equally fast
    /// and cuts every step into the same shards.
    private static let secondsPerMicrobatch: UInt64 = 1

    private var core: WorkerCore
    private let send: Send
    private var limits = MessageLimits()
    private var gradient = Frame([])
    /// Of the gradient, and of the weights that came last.
    private var gradientFingerprint: UInt64 = 0
    private var weights: UInt64 = 0
    private var pending: [ShardLease] = []
    /// Set when the coordinator has sent it home.
    package private(set) var end: WorkerEnd?

    package init(number: Int, build: BuildIdentity, send: @escaping Send) {
        var configuration = WorkerConfiguration(
            build: build, incarnation: UInt64(number) << WorkerIdentity.registrationBits, threads: 1,
            processID: UInt32(number),
            processName: "fixed-\(number)")
        configuration.patience.connectLimit = .seconds(60)
        core = WorkerCore(configuration: configuration, now: Self.now)
        self.send = send
    }

    package var nextDeadline: UInt64? { core.nextDeadline?.nanoseconds }

    package func start() throws { try perform(core.onStart(now: Self.now)) }

    package func onDeadline() throws { try perform(core.onDeadline(now: Self.now)) }

    package func receive(_ message: Message) throws {
        guard case .frames(let frames) = message, let header = frames.first else { throw Unexpected.message }
        let payload = Array(frames.dropFirst())
        let decoded = try header.withUnsafeBytes { (bytes) throws(DecodingFailure) in
            try CoordinatorMessage.decode(header: bytes, payloadSizes: payload.map(\.count), limits: limits) { index in
                payload[index].withUnsafeBytes { fingerprint(of: $0) }
            }
        }
        switch decoded {
        case .weights(_, _, let content), .latentGradients(_, _, let content): weights = content.fingerprint
        default: break
        }
        try perform(core.onMessage(decoded, now: Self.now))
    }

    package enum Unexpected: Error {
        case message
        case ignored(WorkerIgnoreReason)
    }

    private static var now: Instant { Instant(nanoseconds: MonotonicClock.now()) }

    private func perform(_ actions: [WorkerAction]) throws {
        for action in actions {
            switch action {
            case .send(let message): try send([Frame(message.header)])
            case .prepare(let welcome):
                limits.parameterCount = welcome.parameterCount
                limits.latentCount = welcome.latentCount
                let floats = GradientBuffer(count: welcome.parameterCount)
                gradient = Frame(borrowing: floats, bytes: floats.bytes)
                gradientFingerprint = floats.fingerprint
            case .compute(let lease): pending.append(lease)
            case .finish(let end): self.end = end
            case .keep, .keepWeights, .drop, .ignore(.alreadyAdmitted): break
            case .ignore(let reason): throw Unexpected.ignored(reason)
            }
        }
        while !pending.isEmpty { try answer(pending.removeFirst()) }
    }

    private func answer(_ lease: ShardLease) throws {
        var actions = core.onComputed(nodes: summaries(of: lease), weights: weights, now: Self.now)
        if case .send(.partials(let partials))? = actions.first {
            let claim = Partials(
                answering: lease, times: Self.times(of: lease), weights: partials.weights, nodes: partials.nodes)
            try send([Frame(WorkerMessage.partials(claim).header)] + claim.nodes.map { payload(of: lease, $0) })
            actions.removeFirst()
        }
        try perform(actions)
    }

    private static func times(of lease: ShardLease) -> WorkTimes {
        let begin = now
        return WorkTimes(
            idle: begin, ready: begin, began: begin,
            ended: begin + .seconds(secondsPerMicrobatch * UInt64(lease.range.count)))
    }

    private func summaries(of lease: ShardLease) -> [NodeSummary] {
        let extent = StepExtent(examples: lease.totalExamples, examplesPerMicrobatch: microbatchSize)
        return lease.nodes.map { node in
            let summary = NodeSummary(
                node: node, examples: UInt32(extent.examples(in: node)), active: 0, lossSum: 0,
                gradient: gradientFingerprint)
            guard lease.task == .embeddings else { return summary }
            let latents = payload(of: lease, summary).withUnsafeBytes { fingerprint(of: $0) }
            return NodeSummary(
                node: node, examples: summary.examples, active: 0, lossSum: 0, gradient: latents)
        }
    }

    /// Zeros: the gradient, or as many latent vectors as the node has examples.
    private func payload(of lease: ShardLease, _ node: NodeSummary) -> Frame {
        guard lease.task == .embeddings else { return gradient }
        return Frame([UInt8](repeating: 0, count: 4 * (limits.latentCount ?? 0) * Int(node.examples)))
    }
}
