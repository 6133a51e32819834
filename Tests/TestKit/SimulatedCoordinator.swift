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
    private let isTwoRounds: Bool
    /// The latent vectors of a first round.
    private var sheet: ToySheet?
    /// What a first round that is complete gave.
    private var batch: ToyModel.BatchLoss?
    /// What the running round is computed at, and the one before it: who was late with that may still answer.
    private(set) var content: RoundContent
    private var previous: RoundContent?
    private var isDeserted = false
    /// The checkpoints of this process and what it began with, for going back.
    private var history: [State]
    private let limits = MessageLimits(
        parameterCount: ToyModel.parameterCount, latentCount: ToyModel.latentCount, maximumExamples: 4096)

    init(run: RunID, build: BuildIdentity, scenario: Scenario, state: State, now: Instant) {
        self.state = state
        history = state.lastStep == 0 ? [state] : [State(), state]
        steps = UInt64(scenario.steps)
        checkpointInterval = scenario.checkpointInterval
        extent = scenario.extent
        isNoise = scenario.damageRate > 0
        isTwoRounds = scenario.isTwoRounds
        content = RoundContent(number: 0, weights: state.weights)
        var configuration = CoordinatorConfiguration(run: run, build: build, imagesPerExample: 1)
        configuration.audit = scenario.audit > 0 ? AuditPlan(fraction: scenario.audit, seed: scenario.seed) : nil
        core = CoordinatorCore(configuration: configuration, ledger: state.ledger, now: now)
        tree = ReductionTree(microbatches: extent.microbatches, pool: pool)
    }

    /// The next step, or its second round; or, after the last one, everybody is sent home. `ahead`: the round after it is prepared at
    /// once.
    func beginNextStep(ahead: Bool, now: Instant) -> [CoordinatorAction] {
        guard state.lastStep < steps else {
            isFinished = true
            return core.stop(.finished, now: now)
        }
        let step = state.lastStep + 1
        let task: ShardTask = !isTwoRounds ? .gradients : batch == nil ? .embeddings : .gradientsOfLatents
        tree.reset(microbatches: extent.microbatches)
        sheet = task == .embeddings ? ToySheet(extent.allMicrobatches, of: extent) : nil
        let number = task.number(ofStep: step)
        previous = content.number + 1 == number ? content : nil
        content = RoundContent(number: number, weights: state.weights, latentGradients: batch?.latentGradients)
        let actions = core.beginStep(
            number, extent: extent, task: task, weights: content.fingerprint, isLast: step == steps, now: now)
        guard ahead, task == .embeddings || step < steps else { return actions }
        let next: ShardTask = task == .embeddings ? .gradientsOfLatents : isTwoRounds ? .embeddings : .gradients
        return actions + core.prepareStep(number + 1, extent: extent, task: next, now: now)
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

    /// The optimizer step, or what comes between two rounds. False if the sum is not finite: then nothing has changed.
    func commit(_ number: UInt64) -> Bool {
        if sheet != nil { return commitFirstRound(number) }
        guard number == content.number, let root = tree.takeRoot() else {
            problems.append("step \(number) complete after step \(state.lastStep), tree complete: \(tree.isComplete)")
            return true
        }
        var sums = Sums(root)
        pool.recycle(root.gradient)
        guard sums.values.allSatisfy(\.isFinite) else { return false }
        if let batch { sums = sums.with(batch) }
        batch = nil
        state.weights = ToyModel.update(state.weights, root: sums)
        state.digest.add(weights: state.weights, root: sums)
        state.lastStep += 1
        state.ledger = core.ledger
        if isCheckpointDue { history.append(state) }
        return true
    }

    private func commitFirstRound(_ number: UInt64) -> Bool {
        guard number == content.number, let sheet else {
            problems.append("round \(number) complete in round \(content.number)")
            return true
        }
        batch = ToyModel.evaluate(sheet.latents)
        return batch != nil
    }

    /// A step has just been completed, and not a first round, and a checkpoint is due.
    var isCheckpointDue: Bool { batch == nil && state.lastStep % checkpointInterval == 0 }

    /// The newest checkpoint before the step of a round, perhaps of a much earlier one; what is void was not always committed.
    func goBack(beforeRound round: UInt64) {
        returns += 1
        batch = nil
        let step = (isTwoRounds ? ShardTask.embeddings : .gradients).step(ofNumber: round)
        if step <= state.lastStep {
            history.removeAll { $0.lastStep >= step }
            state = history.last ?? State()
        }
        state.ledger = core.ledger
    }

    /// The coordinator's own opinion on a shard of the running round, or of the one before it.
    func arbitrate(_ lease: ShardLease, now: Instant) -> [CoordinatorAction] {
        guard let content = [content, previous].compactMap({ $0 }).first(where: { $0.number == lease.step }) else {
            problems.append("\(lease) to be computed in round \(content.number)")
            return []
        }
        let shard = ToyShard(lease, content, examplesPerMicrobatch: extent.examplesPerMicrobatch)
        return core.onArbitration(lease, nodes: shard.nodes(pool), now: now)
    }

    var welcome: Welcome {
        Welcome(
            run: core.run, parameterCount: ToyModel.parameterCount, latentCount: ToyModel.latentCount,
            jobDescription: [1, 2, 3])
    }

    /// The payload of a lease.
    func payload(of lease: ShardLease) -> [[UInt8]] {
        let step = lease.task.step(ofNumber: lease.step)
        let images = lease.reuses == 0 ? ToyModel.images(step: step, lease, extent: extent) : []
        return [images, Array(repeating: 0, count: 4 * lease.examples)]
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
        for (summary, frame) in zip(partials.nodes, payload) {
            if sheet != nil { sheet?.insert(frame, at: summary.node) } else { insert(summary, frame) }
        }
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
