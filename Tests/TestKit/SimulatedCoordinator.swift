// The shell of a coordinator core in a simulation: the tree, the weights, the optimizer and the books of the run.

import Coordination

/// One coordinator process. A restarted one takes over a `State` from the disk and nothing else.
final class SimulatedCoordinator {
    /// What a run is between two steps.
    struct State {
        var weights = ToyModel.initialWeights
        var digest = RunDigest()
        var lastStep: UInt64 = 0
        var ledger = Ledger()
    }

    var core: CoordinatorCore
    var pausedUntil: Instant?
    var timer: Instant?
    private(set) var state: State
    private(set) var problems: [String] = []
    private(set) var audits = 0
    private(set) var ignored = 0
    private(set) var quarantined = 0
    private(set) var returns = 0
    private(set) var isFinished = false

    private let steps: UInt64
    private let checkpointInterval: UInt64
    private let extent: StepExtent
    /// Bits are flipped on the way, so the codec may refuse anything.
    private let isNoise: Bool
    private let pool = BufferPool(count: ToyModel.parameterCount)
    private var tree: ReductionTree
    /// Those of the last step: who was late with it may still answer.
    private var previousWeights = ToyModel.initialWeights
    private var isDeserted = false
    /// The checkpoints of this process and what it began with, for going back.
    private var history: [State]
    private let limits = MessageLimits(parameterCount: ToyModel.parameterCount, maximumExamples: 4096)

    init(run: RunID, build: BuildIdentity, scenario: Scenario, state: State, now: Instant) {
        self.state = state
        history = state.lastStep == 0 ? [state] : [State(), state]
        steps = UInt64(scenario.steps)
        checkpointInterval = scenario.checkpointInterval
        extent = scenario.extent
        isNoise = scenario.damageRate > 0
        var configuration = CoordinatorConfiguration(run: run, build: build, imagesPerExample: 1)
        configuration.audit = scenario.audit > 0 ? AuditPlan(fraction: scenario.audit, seed: scenario.seed) : nil
        core = CoordinatorCore(configuration: configuration, ledger: state.ledger, now: now)
        tree = ReductionTree(microbatches: extent.microbatches, pool: pool)
    }

    /// The next step; or, after the last one, everybody is sent home. `ahead`: the step after it is prepared at once.
    func beginNextStep(ahead: Bool, now: Instant) -> [CoordinatorAction] {
        guard state.lastStep < steps else {
            isFinished = true
            return core.stop(.finished, now: now)
        }
        tree.reset(microbatches: extent.microbatches)
        let number = state.lastStep + 1
        let actions = core.beginStep(
            number, extent: extent, weights: weightsFingerprint, isLast: number == steps, now: now)
        guard ahead, number < steps else { return actions }
        return actions + core.prepareStep(number + 1, extent: extent, now: now)
    }

    /// The message in `frames` goes into the core. Its actions come out; those on sums are done at once, since they
    /// concern this very message.
    func receive(
        _ frames: Frames, from peer: PeerID, credential: String? = nil, now: Instant
    ) -> [CoordinatorAction] {
        do throws(DecodingFailure) {
            let message = try frames.decodeFromWorker(limits)
            let actions = core.onMessage(message, from: peer, credential: credential, now: now)
            for action in actions { account(for: action, message, frames.payload) }
            return actions
        } catch {
            if !error.isDamage, !isNoise { problems.append("coordinator could not decode: \(error)") }
            return core.onMalformed(error, from: peer, now: now)
        }
    }

    /// The optimizer step. False if the sum is not finite: then nothing has changed.
    func commit(_ step: UInt64) -> Bool {
        guard step == state.lastStep + 1, let root = tree.takeRoot() else {
            problems.append("step \(step) complete after step \(state.lastStep), tree complete: \(tree.isComplete)")
            return true
        }
        let sums = Sums(root)
        guard sums.values.allSatisfy(\.isFinite) else {
            pool.recycle(root.gradient)
            return false
        }
        previousWeights = state.weights
        pool.recycle(root.gradient)
        state.weights = ToyModel.update(state.weights, root: sums)
        state.digest.add(weights: state.weights, root: sums)
        state.lastStep = step
        state.ledger = core.ledger
        if step % checkpointInterval == 0 { history.append(state) }
        return true
    }

    /// The newest checkpoint before the step, perhaps of a much earlier one; what is void was not always committed.
    func goBack(before step: UInt64) {
        returns += 1
        if step <= state.lastStep {
            history.removeAll { $0.lastStep >= step }
            state = history.last ?? State()
        }
        state.ledger = core.ledger
    }

    /// The coordinator's own opinion on a shard of the running step.
    func arbitrate(_ lease: ShardLease, now: Instant) -> [CoordinatorAction] {
        let isLate = lease.step == state.lastStep
        guard isLate || lease.step == state.lastStep + 1 else {
            problems.append("\(lease) to be computed after step \(state.lastStep)")
            return []
        }
        let weights = isLate ? previousWeights : state.weights
        let nodes = lease.nodes.map { node in
            let sum = SimulatedWorker.sum(
                over: node, lease, weights, examplesPerMicrobatch: extent.examplesPerMicrobatch, pool)
            defer { pool.recycle(sum.gradient) }
            return NodeSummary(
                node: node, examples: sum.exampleCount, active: sum.activeCount, lossSum: sum.lossSum,
                secondTermSum: sum.secondTermSum, gradient: sum.gradient.fingerprint)
        }
        return core.onArbitration(lease, nodes: nodes, now: now)
    }

    /// The payload of the weights of the running step.
    var weightsPayload: [[UInt8]] { [FloatFrame.bytes(state.weights)] }

    var weightsFingerprint: UInt64 { fingerprint(of: FloatFrame.bytes(state.weights)) }

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
        case .shardFailed, .diverged: problems.append("\(action)")
        case .ignore: ignored += 1
        case .confirmed: audits += 1
        case .quarantined: quarantined += 1
        default: break
        }
    }

    private func account(for action: CoordinatorAction, _ message: WorkerMessage, _ payload: [[UInt8]]) {
        guard case .partials(let partials) = message, case .accept = action else { return }
        for (summary, frame) in zip(partials.nodes, payload) { insert(summary, frame) }
    }

    private func insert(_ summary: NodeSummary, _ frame: [UInt8]) {
        let gradient = pool.take()
        frame.withUnsafeBytes { gradient.copyBytes(from: $0) }
        let partial = Partial(
            gradient: gradient, lossSum: summary.lossSum, secondTermSum: summary.secondTermSum,
            exampleCount: summary.examples, activeCount: summary.active)
        let insertion = tree.insert(partial, at: summary.node)
        if insertion != .stored, insertion != .completed {
            problems.append("node \(summary.node) accepted by the core, refused by the tree: \(insertion)")
        }
    }
}
