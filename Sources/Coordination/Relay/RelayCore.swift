// A process between a coordinator and its workers, as a pure state machine: a worker's core above, a coordinator's core below.
// Where a worker computes a lease, a relay runs a step of its own over the lease's part of the tree. No socket, no clock, no
// gradient. How this keeps the bits: docs/exactness.md, item 3; the table of states and events: docs/protocol.md.

/// To its coordinator one worker, to its workers their coordinator; a worker of it may be another relay.
package struct RelayCore: Sendable {
    private let configuration: RelayConfiguration
    /// Our life as a worker; nil while nobody is behind us, since we have nothing to offer then.
    private var above: WorkerCore?
    /// Our life as a coordinator; its run is `RunID.none` until we have been welcomed and know a job.
    private var below: CoordinatorCore
    /// Who said hello before we knew a job to welcome them to, and when they last did: they repeat it every few seconds.
    private var waiting: [Waiting] = []
    /// Of the weights that we keep, and of those that came last.
    package private(set) var weights = WeightsContent(weights: 0)
    private var offered = WeightsContent(weights: 0)
    /// What our workers compute.
    private var task: ShardLease?
    private var microbatchesDone: UInt32 = 0
    /// What our workers have been given ahead of its weights.
    private var prepared: ShardLease?
    /// Workers that vanished while they computed a step: it may be what kills them.
    private var losses: (step: UInt64, count: Int) = (0, 0)
    /// When the link to the coordinator went down; nil: it is up.
    private var linkDown: Instant?
    /// Each is another registration of the same process: the low `WorkerIdentity.registrationBits` of its incarnation.
    private var sessions: UInt64 = 0
    private var isOver = false

    package init(configuration: RelayConfiguration, now: Instant) {
        self.configuration = configuration
        below = CoordinatorCore(configuration: Self.below(configuration, .none), now: now)
        linkDown = now
    }

    private static func below(_ configuration: RelayConfiguration, _ run: RunID) -> CoordinatorConfiguration {
        CoordinatorConfiguration(
            run: run, build: configuration.build, imagesPerExample: 1, patience: configuration.workersPatience)
    }

    /// Our own workers, in the order in which they came.
    package var workers: [WorkerIdentity] { below.workers }

    // MARK: Events

    /// A message arrived from the coordinator.
    package mutating func onMessage(_ message: CoordinatorMessage, now: Instant) -> [RelayAction] {
        switch message {
        case .weights(_, _, let content), .latentGradients(_, _, let content): offered = content
        default: break
        }
        guard let actions = above?.onMessage(message, now: now) else {
            // We are apart; but the end of the run is for everybody.
            guard case .goodbye(let run, let reason) = message, reason != .evicted, !isOver,
                !run.precedes(below.configuration.run)
            else { return [] }
            return leave(.finished(reason), now)
        }
        return carryOut(actions, now)
    }

    /// A message arrived from one of our workers.
    ///
    /// - Parameter credential: the name of the key that it has authenticated itself with, if it has
    package mutating func onMessage(
        _ message: WorkerMessage, from peer: PeerID, credential: String? = nil, now: Instant
    ) -> [RelayAction] {
        if !isOver, !hasJob {
            waiting.removeAll { $0.peer == peer }
            if case .hello(let hello) = message, hello.build == configuration.build {
                waiting.append(Waiting(peer: peer, hello: hello, credential: credential, heard: now))
                return attend(now)
            }
        }
        return carryOut(below.onMessage(message, from: peer, credential: credential, now: now), now)
    }

    /// Bytes arrived from below that are no message.
    package mutating func onMalformed(_ failure: DecodingFailure, from peer: PeerID, now: Instant) -> [RelayAction] {
        waiting.removeAll { $0.peer == peer }
        return carryOut(below.onMalformed(failure, from: peer, now: now), now)
    }

    /// The peer's key has been revoked.
    package mutating func onRevoked(_ peer: PeerID, keyName: String, now: Instant) -> [RelayAction] {
        waiting.removeAll { $0.peer == peer }
        return carryOut(below.onRevoked(peer, keyName: keyName, now: now), now)
    }

    /// The link to the peer may be broken.
    package mutating func onLinkDoubt(_ peer: PeerID, now: Instant) -> [RelayAction] {
        carryOut(below.onLinkDoubt(peer, now: now), now)
    }

    /// The shell could not send to the peer.
    package mutating func onUnreachable(_ peer: PeerID, now: Instant) -> [RelayAction] {
        waiting.removeAll { $0.peer == peer }
        return carryOut(below.onUnreachable(peer, now: now), now)
    }

    /// The link to the coordinator came up, for the first time or anew, or went down. While nobody is behind us, nothing else
    /// tells whether there still is a run.
    package mutating func onLink(isUp: Bool, now: Instant) -> [RelayAction] {
        linkDown = isUp ? nil : linkDown ?? now
        return isUp ? carryOut(above?.onLinkUp(now: now) ?? [], now) : []
    }

    /// The sums over the nodes of the lease that was to be summed.
    package mutating func onSummed(nodes: [NodeSummary], now: Instant) -> [RelayAction] {
        guard let task else { return [] }
        self.task = nil
        let actions = above?.onComputed(nodes: nodes, weights: weights.fingerprint, now: now) ?? []
        return [.above(.drop(task))] + carryOut(actions, now)
    }

    /// This process is to end (a signal).
    package mutating func onStop(reason: String, now: Instant) -> [RelayAction] {
        if isOver { return [] }
        guard let actions = above?.onStop(reason: reason, now: now) else { return leave(.left, now) }
        return carryOut(actions, now)
    }

    /// `nextDeadline` has passed (calling earlier does no harm).
    package mutating func onDeadline(now: Instant) -> [RelayAction] {
        if isOver { return [] }
        if let giveUp, giveUp <= now {
            let limit = linkPatience ?? .zero
            return leave(hasJob ? .lostCoordinator(limit: limit) : .noCoordinator(limit: limit), now)
        }
        let actions = above?.onDeadline(now: now) ?? []
        return carryOut(actions, now) + carryOut(forgetSilent(now) + below.onDeadline(now: now), now)
    }

    /// When `onDeadline` must be called at the latest.
    package var nextDeadline: Instant? {
        isOver ? nil : [above?.nextDeadline, below.nextDeadline, giveUp].compactMap { $0 }.min()
    }

    /// When the coordinator counts as gone, although we do not wait for any word of it.
    private var giveUp: Instant? {
        guard above == nil, let linkDown, let linkPatience else { return nil }
        return linkDown + linkPatience
    }

    private var linkPatience: Duration? {
        hasJob ? configuration.patience.reconnectLimit : configuration.patience.connectLimit
    }

    // MARK: Above

    private mutating func carryOut(_ actions: [WorkerAction], _ now: Instant) -> [RelayAction] {
        var result: [RelayAction] = []
        for action in actions {
            switch action {
            case .compute(let lease): result += begin(lease, now)
            case .keepWeights:
                weights = offered
                result.append(.above(action))
            case .prepare(let welcome): result += [.above(action)] + welcomeEverybody(welcome.run, now)
            case .finish(let end): result += leave(end, now)
            case .drop(let lease) where lease == prepared:
                forgetPrepared()
                result.append(.above(action))
            default: result.append(.above(action))
            }
        }
        return result + dropUnwantedTask(now) + prepareAhead(now)
    }

    /// A new run has nothing in common with the one before: our workers hear of it by its welcome, as from any coordinator.
    private mutating func welcomeEverybody(_ run: RunID, _ now: Instant) -> [RelayAction] {
        guard below.configuration.run != run else { return [] }
        let ours = below.workers.map { Waiting($0, build: configuration.build, now) } + waiting
        waiting = []
        below = CoordinatorCore(configuration: Self.below(configuration, run), now: now)
        prepared = nil
        var actions: [CoordinatorAction] = []
        for worker in ours {
            actions += below.onMessage(
                .hello(worker.hello), from: worker.peer, credential: worker.credential, now: now)
        }
        return carryOut(actions, now)
    }

    private mutating func begin(_ lease: ShardLease, _ now: Instant) -> [RelayAction] {
        precondition(task == nil, "\(lease) begins before the end of another")
        if let objection = objection(to: lease) ?? objectionToWeights(of: lease) {
            return [.above(.drop(lease))] + carryOut(above?.onFailed(reason: objection, now: now) ?? [], now)
        }
        task = lease
        microbatchesDone = 0
        // What was prepared for a later step stays so: this may be another part of the present one.
        if let ahead = prepared, ahead != lease, ahead.step <= lease.step { forgetPrepared() }
        if prepared == lease { prepared = nil }
        below.configuration.imagesPerExample = lease.imagesPerExample
        let actions = below.beginStep(
            lease.step, extent: extent(of: lease), task: lease.task, part: lease.range, weights: weights.fingerprint,
            now: now)
        return [.begin(lease)] + carryOut(actions, now)
    }

    /// Why our workers cannot compute a lease; nil: they can.
    private func objection(to lease: ShardLease) -> String? {
        if let latest = below.latestStep, latest > lease.step { return "step \(lease.step) comes after step \(latest)" }
        let extent = extent(of: lease)
        guard extent.microbatches == lease.totalMicrobatches, extent.examples(in: lease.range) == lease.examples else {
            return "\(lease.examples) examples are not those of the microbatches \(lease.range)"
        }
        return nil
    }

    private func objectionToWeights(of lease: ShardLease) -> String? {
        let isSecond = lease.task == .gradientsOfLatents
        return isSecond == (weights.latentGradients > 0) ? nil : "these weights are of another round"
    }

    private func extent(of lease: ShardLease) -> StepExtent {
        StepExtent(examples: lease.totalExamples, examplesPerMicrobatch: configuration.examplesPerMicrobatch)
    }

    /// A lease whose weights are not here yet: its examples travel on while our workers compute another.
    private mutating func prepareAhead(_ now: Instant) -> [RelayAction] {
        let latest = below.latestStep ?? 0
        guard prepared == nil, !below.workers.isEmpty,
            let lease = above?.bench.queue.first(where: { $0.step > latest }),
            objection(to: lease) == nil
        else { return [] }
        prepared = lease
        below.configuration.imagesPerExample = lease.imagesPerExample
        let actions = below.prepareStep(
            lease.step, extent: extent(of: lease), task: lease.task, part: lease.range, now: now)
        return carryOut(actions, now)
    }

    private mutating func forgetPrepared() {
        prepared = nil
        below.upcoming = nil
    }

    /// The step of our task is over for the coordinator, or it does not know us any more.
    private mutating func dropUnwantedTask(_ now: Instant) -> [RelayAction] {
        guard let task, let bench = above?.bench else { return [] }
        if bench.current?.lease == task, bench.weightsStep == task.step { return [] }
        let dropped = dropTask()
        return dropped + carryOut(above?.onAbandoned(now: now) ?? [], now)
    }

    private mutating func dropTask() -> [RelayAction] {
        below.abandonStep()
        defer { task = nil }
        return task.map { [.above(.drop($0))] } ?? []
    }

    private mutating func failTask(reason: String, _ now: Instant) -> [RelayAction] {
        guard task != nil else { return [] }
        let dropped = dropTask()
        return dropped + carryOut(above?.onFailed(reason: reason, now: now) ?? [], now)
    }

    // MARK: Below

    private var hasJob: Bool { below.configuration.run != .none }

    private mutating func carryOut(_ actions: [CoordinatorAction], _ now: Instant) -> [RelayAction] {
        var result: [RelayAction] = []
        for action in actions {
            switch action {
            case .noWorkers, .workersBack: break
            case .stepComplete: if let task { result.append(.sum(task)) }
            // Of the step before: the answer to it has gone up, and it is for an audit there to find out.
            case .arbitrate(let lease) where lease.step != task?.step: break
            case .arbitrate(let lease):
                // Who is right is not for us to say.
                let reason = "two workers behind this relay computed different bits for the microbatches \(lease.range)"
                result += failTask(reason: reason, now)
            case .shardFailed(let failure): result += failTask(reason: "behind this relay: \(failure)", now)
            case .accept(let lease):
                microbatchesDone += UInt32(lease.range.count)
                if let task { _ = above?.onProgress(lease: task.lease, microbatchesDone: microbatchesDone, now: now) }
                result.append(.below(action))
            case .lost(_, .unreachable):
                if let task { losses = (task.step, losses.step == task.step ? losses.count + 1 : 1) }
                result.append(.below(action))
            default: result.append(.below(action))
            }
        }
        return result + attend(now)
    }

    /// Those who wait no longer.
    private mutating func forgetSilent(_ now: Instant) -> [CoordinatorAction] {
        let limit = configuration.workersPatience.silenceLimit
        let silent = waiting.filter { $0.heard + limit <= now }.map(\.peer)
        waiting.removeAll { silent.contains($0.peer) }
        return silent.map { .goodbye($0, .evicted) }
    }

    /// Whether there is somebody behind us decides whether we are a worker.
    private mutating func attend(_ now: Instant) -> [RelayAction] {
        if isOver { return [] }
        let threads = (below.workers.map(\.threads) + waiting.map(\.hello.threads)).map(Int.init)
        switch (above, threads.isEmpty) {
        case (nil, false): return join(threads: threads.reduce(0, +), now)
        case (.some, true): return handBack(now)
        default: return prepareAhead(now)
        }
    }

    private mutating func join(threads: Int, _ now: Instant) -> [RelayAction] {
        sessions += 1
        var core = WorkerCore(
            configuration: WorkerConfiguration(
                build: configuration.build, incarnation: configuration.incarnation &+ (sessions << 6) & 0xffff,
                threads: UInt16(clamping: threads), processID: configuration.processID,
                processName: configuration.processName, patience: configuration.patience),
            newestRun: below.configuration.run, now: now)
        let actions = core.onStart(now: now)
        above = core
        return carryOut(actions, now)
    }

    /// The last worker is gone: what it held goes back at once. Not as failed (three of those end the run), unless so many
    /// workers vanished over the same step that it may be what kills them.
    private mutating func handBack(_ now: Instant) -> [RelayAction] {
        guard var core = above else { return [] }
        above = nil
        forgetPrepared()
        var actions: [WorkerAction] = []
        if task?.step == losses.step, losses.count >= configuration.workersPatience.lossLimit {
            let reason = "\(losses.count) workers behind this relay vanished over it"
            actions += core.onFailed(reason: reason, now: now).filter { if case .send = $0 { true } else { false } }
        }
        actions += core.onStop(reason: "no worker is left behind this relay", now: now)
        return dropTask() + actions.filter { if case .finish = $0 { false } else { true } }.map { .above($0) }
    }

    /// The end. Our workers go home with the run; for any other reason they are to look for us, or who comes after us, again.
    private mutating func leave(_ end: WorkerEnd, _ now: Instant) -> [RelayAction] {
        let reason: GoodbyeReason = if case .finished(let reason) = end { reason } else { .evicted }
        isOver = true
        above = nil
        task = nil
        let goodbyes = below.stop(reason, now: now) + waiting.map { .goodbye($0.peer, reason) }
        waiting = []
        return goodbyes.map { .below($0) } + [.above(.finish(end))]
    }
}

extension WorkerCore {
    /// The computation under way has been given up, since nobody wants its result.
    mutating func onAbandoned(now: Instant) -> [WorkerAction] {
        _ = bench.ended(now: now)
        return bench.startNext(now)
    }
}

/// A worker's hello, kept until there is a job to welcome it to.
private struct Waiting {
    let peer: PeerID
    let hello: Hello
    let credential: String?
    let heard: Instant

    init(peer: PeerID, hello: Hello, credential: String?, heard: Instant) {
        self.peer = peer
        self.hello = hello
        self.credential = credential
        self.heard = heard
    }

    /// What an admitted worker must have said.
    init(_ worker: WorkerIdentity, build: BuildIdentity, _ now: Instant) {
        peer = worker.peer
        hello = Hello(
            build: build, incarnation: worker.incarnation, threads: worker.threads, processID: worker.processID,
            processName: worker.processName)
        credential = worker.credential
        heard = now
    }
}
