// The vocabulary of the core's scripts: a coordinator, workers, times, and answers to leases.

import Coordination

enum Script {
    static let start = Instant(nanoseconds: 1_000_000_000)
    static let run = RunID(high: 1, low: 2)
    static let build = Samples.build

    static func at(_ milliseconds: UInt64) -> Instant { start + .milliseconds(milliseconds) }

    static func extent(_ microbatches: Int) -> StepExtent {
        StepExtent(examples: microbatches * 8, examplesPerMicrobatch: 8)
    }

    static func coordinator() -> CoordinatorCore {
        let configuration = CoordinatorConfiguration(run: run, build: build, imagesPerExample: 2)
        return CoordinatorCore(configuration: configuration, now: start)
    }

    static func worker(patience: WorkerPatience = WorkerPatience()) -> WorkerCore {
        let configuration = WorkerConfiguration(
            build: build, incarnation: 70, threads: 1, processID: 5, processName: "w", patience: patience)
        var core = WorkerCore(configuration: configuration, now: start)
        _ = core.onStart(now: start)
        return core
    }

    static func hello(_ incarnation: UInt64, build: BuildIdentity = build) -> WorkerMessage {
        .hello(Hello(build: build, incarnation: incarnation, threads: 1, processID: 5, processName: "w"))
    }

    static func lease(
        _ id: UInt64, step: UInt64 = 1, shard: UInt32 = 0, _ first: Int, _ count: Int, of total: Int,
        run: RunID = run
    ) -> ShardLease {
        ShardLease(
            run: run, step: step, shard: shard, lease: id, range: MicrobatchRange(first: first, count: count),
            extent: extent(total), imagesPerExample: 2)
    }

    static func summaries(_ lease: ShardLease) -> [NodeSummary] {
        lease.nodes.map { NodeSummary(node: $0, examples: UInt32($0.count * 8), active: 1, lossSum: 0.5) }
    }

    static func answer(_ lease: ShardLease, milliseconds: UInt64 = 10) -> WorkerMessage {
        let times = WorkTimes(idle: start, ready: start, began: start, ended: at(milliseconds))
        return .partials(Partials(answering: lease, times: times, nodes: summaries(lease)))
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
