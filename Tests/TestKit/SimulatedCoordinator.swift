// The shell of a coordinator core in a simulation: the tree, the weights, the optimizer and the books of the run.

import Coordination

/// One coordinator process. A restarted one takes over `Checkpoint` and nothing else.
final class SimulatedCoordinator {
    /// What survives a kill of the process.
    struct Checkpoint {
        var weights = ToyModel.initialWeights
        var digest = RunDigest()
        var lastStep: UInt64 = 0
    }

    var core: CoordinatorCore
    let run: RunID
    var pausedUntil: Instant?
    var timer: Instant?
    private(set) var checkpoint: Checkpoint
    private(set) var problems: [String] = []
    private(set) var audits = 0
    private(set) var ignored = 0
    private(set) var isFinished = false

    private let steps: UInt64
    private let extent: StepExtent
    private let pool = BufferPool(count: ToyModel.parameterCount)
    private var tree: ReductionTree
    private var answers: [UInt64: [[UInt8]]] = [:]
    private var isDeserted = false
    private let limits = MessageLimits(parameterCount: ToyModel.parameterCount, maximumExamples: 4096)

    init(run: RunID, build: BuildIdentity, scenario: Scenario, checkpoint: Checkpoint, now: Instant) {
        self.run = run
        self.checkpoint = checkpoint
        steps = UInt64(scenario.steps)
        extent = scenario.extent
        core = CoordinatorCore(
            configuration: CoordinatorConfiguration(run: run, build: build, imagesPerExample: 1), now: now)
        tree = ReductionTree(microbatches: extent.microbatches, pool: pool)
    }

    /// The next step; or, after the last one, everybody is sent home. `ahead`: the step after it is prepared at once.
    func beginNextStep(ahead: Bool, now: Instant) -> [CoordinatorAction] {
        guard checkpoint.lastStep < steps else {
            isFinished = true
            return core.stop(.finished, now: now)
        }
        tree.reset(microbatches: extent.microbatches)
        answers.removeAll()
        let actions = core.beginStep(checkpoint.lastStep + 1, extent: extent, now: now)
        guard ahead, checkpoint.lastStep + 1 < steps else { return actions }
        return actions + core.prepareStep(checkpoint.lastStep + 2, extent: extent, now: now)
    }

    /// The message in `frames` goes into the core. Its actions come out; those on sums are done at once, since they
    /// concern this very message.
    func receive(_ frames: Frames, from peer: PeerID, now: Instant) -> [CoordinatorAction] {
        do throws(DecodingFailure) {
            let message = try frames.decodeFromWorker(limits)
            let actions = core.onMessage(message, from: peer, now: now)
            for action in actions { account(for: action, message, frames.payload) }
            return actions
        } catch {
            problems.append("coordinator could not decode: \(error)")
            return core.onMalformed(error, from: peer, now: now)
        }
    }

    /// The optimizer step.
    func commit(_ step: UInt64) {
        guard step == checkpoint.lastStep + 1, let root = tree.takeRoot() else {
            problems.append(
                "step \(step) complete after step \(checkpoint.lastStep), tree complete: \(tree.isComplete)")
            return
        }
        let sums = Sums(root)
        pool.recycle(root.gradient)
        checkpoint.weights = ToyModel.update(checkpoint.weights, root: sums)
        checkpoint.digest.add(weights: checkpoint.weights, root: sums)
        checkpoint.lastStep = step
    }

    /// The payload of the weights of the running step.
    var weightsPayload: [[UInt8]] { [FloatFrame.bytes(checkpoint.weights)] }

    /// The payload of a lease.
    func payload(of lease: ShardLease) -> [[UInt8]] {
        [
            Array(repeating: 0, count: lease.examples * lease.imagesPerExample * ShardLease.bytesPerImage),
            Array(repeating: 0, count: 4 * lease.examples),
        ]
    }

    /// Checks that what the user is told makes sense.
    func tell(_ action: CoordinatorAction) {
        switch action {
        case .noWorkers where isDeserted, .workersBack where !isDeserted: problems.append("\(action) said twice")
        case .noWorkers: isDeserted = true
        case .workersBack: isDeserted = false
        case .shardFailed(let failure): problems.append("\(failure)")
        case .ignore: ignored += 1
        default: break
        }
    }

    private func account(for action: CoordinatorAction, _ message: WorkerMessage, _ payload: [[UInt8]]) {
        guard case .partials(let partials) = message else { return }
        switch action {
        case .accept(let lease, _):
            answers[lease.lease] = payload
            for (summary, frame) in zip(partials.nodes, payload) { insert(summary, frame) }
        case .compare(_, let first):
            audits += 1
            if answers[first] != payload { problems.append("lease \(first) and its rival have different bits") }
        default: break
        }
    }

    private func insert(_ summary: NodeSummary, _ frame: [UInt8]) {
        let gradient = pool.take()
        frame.withUnsafeBytes { gradient.copyBytes(from: $0) }
        let partial = Partial(
            gradient: gradient, lossSum: summary.lossSum, exampleCount: summary.examples, activeCount: summary.active)
        let insertion = tree.insert(partial, at: summary.node)
        if insertion != .stored, insertion != .completed {
            problems.append("node \(summary.node) accepted by the core, refused by the tree: \(insertion)")
        }
    }
}
