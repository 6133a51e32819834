// The vocabulary of the core's scripts: a coordinator, workers, times, and answers to leases.

import Coordination
import TestKit

enum Script {
    static let start = Instant(nanoseconds: 1_000_000_000)
    static let run = RunID(high: 1, low: 2)
    static let build = Samples.build
    /// Fingerprint of the weights of every step.
    static let weights: UInt64 = 77

    static func at(_ milliseconds: UInt64) -> Instant { start + .milliseconds(milliseconds) }

    static func extent(_ microbatches: Int) -> StepExtent {
        StepExtent(examples: microbatches * 8, examplesPerMicrobatch: 8)
    }

    static func coordinator(audit: AuditPlan? = nil) -> CoordinatorCore {
        var configuration = CoordinatorConfiguration(run: run, build: build, imagesPerExample: 2)
        configuration.audit = audit
        return CoordinatorCore(configuration: configuration, now: start)
    }

    /// A coordinator that has admitted workers at the start.
    static func core(_ peers: PeerID...) -> CoordinatorCore {
        var core = coordinator()
        for peer in peers { _ = core.onMessage(hello(peer.rawValue), from: peer, now: start) }
        return core
    }

    static func worker(patience: WorkerPatience = WorkerPatience()) -> WorkerCore {
        let configuration = WorkerConfiguration(
            build: build, incarnation: 70, threads: 1, processID: 5, processName: "w", patience: patience)
        var core = WorkerCore(configuration: configuration, now: start)
        _ = core.onStart(now: start)
        return core
    }

    static func hello(_ incarnation: UInt64, build: BuildIdentity = build) -> WorkerMessage {
        .hello(
            Hello(
                build: build, incarnation: incarnation << WorkerIdentity.registrationBits, threads: 1, processID: 5,
                processName: "w"))
    }

    static func lease(
        _ id: UInt64, step: UInt64 = 1, shard: UInt32 = 0, _ first: Int, _ count: Int, of total: Int,
        run: RunID = run, task: ShardTask = .gradients, reuses: UInt64 = 0
    ) -> ShardLease {
        ShardLease(
            run: run, step: step, shard: shard, lease: id, range: MicrobatchRange(first: first, count: count),
            extent: extent(total), imagesPerExample: 2, task: task, reuses: reuses)
    }

    static func summaries(_ lease: ShardLease) -> [NodeSummary] {
        summaries(lease, bits: 0)
    }

    /// - Parameter bits: differ where the gradients do
    static func summaries(_ lease: ShardLease, bits: UInt64) -> [NodeSummary] {
        lease.nodes.map {
            NodeSummary(node: $0, examples: UInt32($0.count * 8), active: 1, lossSum: 0.5, gradient: bits)
        }
    }

    static func answer(
        _ lease: ShardLease, milliseconds: UInt64 = 10, bits: UInt64 = 0, weights: UInt64 = Script.weights
    ) -> WorkerMessage {
        let times = WorkTimes(idle: start, ready: start, began: start, ended: at(milliseconds))
        return .partials(
            Partials(answering: lease, times: times, weights: weights, nodes: summaries(lease, bits: bits)))
    }

    static func idle(run: RunID = run) -> WorkerMessage {
        .progress(Progress(run: run, step: 0, lease: 0, microbatchesDone: 0))
    }
}

extension [CoordinatorAction] {
    /// The leases among the actions, with who gets them.
    var leases: [(lease: ShardLease, peer: PeerID)] {
        compactMap { if case .lease(let lease, let peer) = $0 { (lease, peer) } else { nil } }
    }
}
