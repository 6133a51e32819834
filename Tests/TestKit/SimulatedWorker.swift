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
    private var weights: RoundContent?
    private var computing: (lease: ShardLease, images: [UInt8], content: RoundContent)?
    /// Of first rounds: images, and what was computed from them by microbatch.
    private var firstRounds = FirstRounds<[UInt8], [Int: [Float]]>()
    /// Shards that were computed from images that came with a first round.
    private(set) var reuses = 0
    private var heldWeights = HeldWeights<[UInt8]>()
    /// Rounds whose weights came with the round before.
    private(set) var spared = 0
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
            if firstRounds.objection(to: message) != nil { return [] }
            if heldWeights.objection(to: message) != nil { return [] }
            let actions = core.onMessage(message, now: now)
            for action in actions {
                if case .keep(let lease) = action {
                    kept[lease] = [firstRounds.images(of: lease, cameWith: frames.payload[0]), frames.payload[1]]
                    if lease.reuses != 0 { reuses += 1 }
                }
                if case .keepWeights(let step) = action {
                    if case .latentGradients = message { spared += 1 }
                    heldWeights.keep(heldWeights.payload(of: message, frames.payload), ofStep: step)
                    weights = RoundContent(number: step, heldWeights.frames)
                    _ = firstRounds.forget(before: step)
                }
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
        case .prepare(let welcome):
            (limits.parameterCount, limits.latentCount) = (welcome.parameterCount, welcome.latentCount)
            _ = firstRounds.forgetAll()
            heldWeights.forget()
        case .compute(let lease):
            if computing != nil { problems.append("worker \(index) told to compute two shards at a time") }
            guard let payload = kept.removeValue(forKey: lease), let weights, weights.number == lease.step else {
                problems.append("worker \(index) told to compute a shard that it was not told to keep")
                return
            }
            computing = (lease, payload[0], weights)
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
        guard let (lease, images, content) = computing else {
            problems.append("worker \(index) has nothing to compute")
            return Outcome()
        }
        computing = nil
        let toy = ToyShard(lease, content, examplesPerMicrobatch: examplesPerMicrobatch)
        if !ToyModel.areImages(images, step: toy.step, of: lease, extent: toy.extent) {
            problems.append("worker \(index) computes \(lease) from the images of another")
        }
        if (lease.task == .gradientsOfLatents) != (content.latentGradients != nil) {
            problems.append("worker \(index) computes \(lease) at what belongs to another round")
        }
        var sums: [[Float]]
        var summaries: [NodeSummary] = []
        if lease.task == .embeddings {
            let passes = toy.passes()
            _ = firstRounds.note(passes, of: lease)
            sums = lease.nodes.map { toy.latents(of: $0, passes) }
            summaries = lease.nodes.map {
                NodeSummary(node: $0, examples: toy.examples(in: $0), active: 0, lossSum: 0, gradient: 0)
            }
        } else {
            let partials = lease.nodes.map { toy.sum(over: $0, passes: firstRounds.passes(for: lease), pool) }
            sums = partials.map { Array($0.gradient.values) }
            summaries = zip(lease.nodes, partials).map { NodeSummary($0, $1) }
            for partial in partials { pool.recycle(partial.gradient) }
        }
        spoil(&sums[0], &random)
        let frames = sums.map(FloatFrame.bytes)
        let nodes = zip(summaries, frames).map { summary, frame in
            NodeSummary(
                node: summary.node, examples: summary.examples, active: summary.active, lossSum: summary.lossSum,
                secondTermSum: summary.secondTermSum, gradient: fingerprint(of: frame))
        }
        return Outcome(nodes: nodes, frames: frames, weights: content.fingerprint)
    }

    private func spoil(_ sum: inout [Float], _ random: inout SplitMix64) {
        if corruption > 0, random.happens(corruption) {
            corruptions += 1
            // By an amount of its own, and few enough to be seen in any of them.
            sum[random.below(sum.count)] += Float(index + 1)
        }
        if overflow > 0, random.happens(overflow) {
            overflows += 1
            sum[random.below(sum.count)] = .infinity
        }
    }

    func abandonComputation() { computing = nil }
}
