// The shell of a worker core in a simulation: frames in, frames out, "computations" that take virtual time.

import Coordination

/// One worker process from its start to its end.
final class SimulatedWorker {
    let index: Int
    var core: WorkerCore
    /// The connection as the coordinator sees it; nil while the link is down.
    var connection: PeerID?
    /// While set, the process is stopped: what happens to it waits until then.
    var pausedUntil: Instant?
    var slowness: UInt64 = 1
    /// Chance that a sum comes out with a wrong bit and a fingerprint to match: what only an audit can find.
    var corruption = 0.0
    private(set) var corruptions = 0
    /// Chance that a sum is not finite.
    var overflow = 0.0
    private(set) var overflows = 0
    /// The name of its key, if it has one.
    let credential: String?
    var timer: Instant?
    /// Why the process has ended; nil: it lives.
    private(set) var end: String?
    private(set) var problems: [String] = []

    private let examplesPerMicrobatch: Int
    private var limits = MessageLimits(maximumExamples: 4096)
    /// By the whole lease: a restarted coordinator counts leases from 1 again.
    private var kept: [ShardLease: [[UInt8]]] = [:]
    private var weights: (step: UInt64, floats: [Float])?
    private var computing: (lease: ShardLease, weights: [Float])?
    /// Bits are flipped on the way, so the codec may refuse anything.
    private let isNoise: Bool
    private let pool = BufferPool(count: ToyModel.parameterCount)

    init(
        index: Int, credential: String? = nil, build: BuildIdentity, examplesPerMicrobatch: Int, isNoise: Bool,
        now: Instant
    ) {
        self.index = index
        self.credential = credential
        self.isNoise = isNoise
        self.examplesPerMicrobatch = examplesPerMicrobatch
        let configuration = WorkerConfiguration(
            build: build, incarnation: UInt64(index + 1) << 32, threads: 1, processID: UInt32(1000 + index),
            processName: "worker-\(index)")
        core = WorkerCore(configuration: configuration, now: now)
    }

    /// The lease under computation.
    var current: ShardLease? { computing?.lease }

    var isAlive: Bool { end == nil }

    func kill() { end = "killed" }

    /// The message in `frames` goes into the core, whose actions come out.
    func receive(_ frames: Frames, now: Instant) -> [WorkerAction] {
        do throws(DecodingFailure) {
            let message = try frames.decodeFromCoordinator(limits)
            let actions = core.onMessage(message, now: now)
            for action in actions {
                if case .keep(let lease) = action { kept[lease] = frames.payload }
                if case .keepWeights(let step) = action { weights = (step, FloatFrame.floats(frames.payload[0])) }
            }
            return actions
        } catch .parameterCountUnknown {
            return []  // a shard overtook the welcome
        } catch  where error.isDamage || isNoise {
            return []
        } catch {
            problems.append("worker \(index) could not decode: \(error)")
            return []
        }
    }

    /// Carries out an action that concerns this process alone.
    func perform(_ action: WorkerAction) {
        switch action {
        case .prepare(let welcome): limits.parameterCount = welcome.parameterCount
        case .compute(let lease):
            if computing != nil { problems.append("worker \(index) told to compute two shards at a time") }
            guard kept.removeValue(forKey: lease) != nil, let weights, weights.step == lease.step else {
                problems.append("worker \(index) told to compute a shard that it was not told to keep")
                return
            }
            computing = (lease, weights.floats)
        case .drop(let lease): kept[lease] = nil
        case .finish(let end): self.end = "\(end)"
        case .keep, .keepWeights, .send, .ignore: break
        }
        if kept.count > 5 { problems.append("worker \(index) keeps \(kept.count) shards") }
    }

    /// What a computation gives.
    struct Outcome {
        var nodes: [NodeSummary] = []
        var frames: [[UInt8]] = []
        var weights: UInt64 = 0
    }

    /// Ends the computation under way: its sums and frames, from the weights that were there when it began.
    func compute(_ random: inout SplitMix64) -> Outcome {
        guard let (lease, weights) = computing else {
            problems.append("worker \(index) has nothing to compute")
            return Outcome()
        }
        computing = nil
        let sums = lease.nodes.map { sum(over: $0, lease, weights) }
        defer { for (_, gradient) in sums { pool.recycle(gradient) } }
        if corruption > 0, random.happens(corruption) {
            corruptions += 1
            // By an amount of its own, and few enough to be seen in any of them.
            sums[0].1.values[random.below(ToyModel.parameterCount)] += Float(index + 1)
        }
        if overflow > 0, random.happens(overflow) {
            overflows += 1
            sums[0].1.values[random.below(ToyModel.parameterCount)] = .infinity
        }
        let nodes = sums.map { summary, gradient in
            NodeSummary(
                node: summary.node, examples: summary.examples, active: summary.active, lossSum: summary.lossSum,
                secondTermSum: summary.secondTermSum, gradient: gradient.fingerprint)
        }
        return Outcome(
            nodes: nodes, frames: sums.map { FloatFrame.bytes($0.1.values) },
            weights: fingerprint(of: FloatFrame.bytes(weights)))
    }

    func abandonComputation() { computing = nil }

    private func sum(
        over node: MicrobatchRange, _ lease: ShardLease, _ weights: [Float]
    ) -> (NodeSummary, GradientBuffer) {
        let sum = Self.sum(over: node, lease, weights, examplesPerMicrobatch: examplesPerMicrobatch, pool)
        let summary = NodeSummary(
            node: node, examples: sum.exampleCount, active: sum.activeCount, lossSum: sum.lossSum,
            secondTermSum: sum.secondTermSum, gradient: sum.gradient.fingerprint)
        return (summary, sum.gradient)
    }

    static func sum(
        over node: MicrobatchRange, _ lease: ShardLease, _ weights: [Float], examplesPerMicrobatch: Int,
        _ pool: BufferPool
    ) -> Partial {
        let extent = StepExtent(examples: lease.totalExamples, examplesPerMicrobatch: examplesPerMicrobatch)
        var accumulator = SubtreeAccumulator(node: node, pool: pool)
        for microbatch in node.first..<node.end {
            let examples = extent.examples(in: MicrobatchRange(first: microbatch, count: 1))
            accumulator.add(
                ToyModel.fill(
                    pool.take(), step: lease.step, microbatch: microbatch, weights: weights, examples: examples))
        }
        return accumulator.finish()
    }
}
