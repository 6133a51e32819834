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
    private var pending: [ShardLease] = []
    /// Set when the coordinator has sent it home.
    package private(set) var end: WorkerEnd?

    package init(number: Int, build: BuildIdentity, send: @escaping Send) {
        var configuration = WorkerConfiguration(
            build: build, incarnation: UInt64(number), threads: 1, processID: UInt32(number),
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
        let sizes = frames.dropFirst().map(\.count)
        let decoded = try header.withUnsafeBytes { (bytes) throws(DecodingFailure) in
            try CoordinatorMessage.decode(header: bytes, payloadSizes: sizes, limits: limits)
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
            case .send(.partials(let partials)):
                try send(
                    [Frame(WorkerMessage.partials(partials).header)]
                        + repeatElement(gradient, count: partials.nodes.count))
            case .send(let message): try send([Frame(message.header)])
            case .prepare(let welcome):
                limits.parameterCount = welcome.parameterCount
                let floats = GradientBuffer(count: welcome.parameterCount)
                gradient = Frame(borrowing: floats, bytes: floats.bytes)
            case .compute(let lease): pending.append(lease)
            case .finish(let end): self.end = end
            case .keep, .drop, .ignore(.alreadyAdmitted): break
            case .ignore(let reason): throw Unexpected.ignored(reason)
            }
        }
        while !pending.isEmpty {
            let lease = pending.removeFirst()
            try perform(
                core.onComputed(
                    nodes: summaries(of: lease),
                    computeTime: .seconds(Self.secondsPerMicrobatch * UInt64(lease.range.count)), now: Self.now))
        }
    }

    private func summaries(of lease: ShardLease) -> [NodeSummary] {
        let extent = StepExtent(examples: lease.totalExamples, examplesPerMicrobatch: microbatchSize)
        return lease.nodes.map { node in
            NodeSummary(node: node, examples: UInt32(extent.examples(in: node)), active: 0, lossSum: 0)
        }
    }
}
