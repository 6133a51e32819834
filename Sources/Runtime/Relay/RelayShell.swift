// The relay's I/O but for its sockets: carries out what the relay's core asks, passes frames on without copying them where
// they lie together, and keeps the tree of the lease that its workers compute. It never looks at a pixel or a float.
package import Coordination
package import Messaging
internal import ModelCore

/// Runs a relay's core between a link to workers and whatever sends to the coordinator. One thread.
package final class RelayShell {
    /// Sends a message to the coordinator.
    package typealias Send = ([Frame]) throws -> Void

    private let link: any WorkerLink
    private let send: Send
    private let notify: (ClusterNotice) -> Void
    private let build: BuildIdentity
    private var core: RelayCore
    private var limits = MessageLimits()
    /// What the coordinator told of its run, for our own workers.
    private var welcome: Welcome?
    private var job = Frame([])
    /// Payload frames of the leases that the core told us to keep: pixels, targets.
    private var kept: [ShardLease: [Frame]] = [:]
    private var firstRounds = FirstRounds<Frame, Never>()
    /// What the core told us to keep: the very frames that came, for all our workers. Their fingerprints are the core's `weights`.
    private var heldWeights = HeldWeights<Frame>()
    private var pool = BufferPool(count: 1)
    private var tree = ReductionTree(microbatches: 1, pool: BufferPool(count: 1))
    /// The latent vectors of a first round.
    private var sheet: LatentSheet?
    /// Set when the relay's life is over.
    package private(set) var end: WorkerEnd?

    package init(
        _ configuration: RelayConfiguration, link: any WorkerLink, notify: @escaping (ClusterNotice) -> Void,
        send: @escaping Send
    ) {
        build = configuration.build
        core = RelayCore(configuration: configuration, now: .now)
        self.link = link
        self.notify = notify
        self.send = send
    }

    package var nextDeadline: UInt64? { core.nextDeadline?.nanoseconds }

    package var workers: [WorkerIdentity] { core.workers }

    // MARK: Events

    /// A message arrived from the coordinator.
    package func receive(_ message: Message) throws {
        let received: ReceivedMessage<CoordinatorMessage>
        do {
            received = try ReceivedMessage(message, limits: limits, CoordinatorMessage.decode)
        } catch {
            return notify(.dropped("a message of the coordinator: \(error)"))
        }
        let message = received.content
        if let objection = firstRounds.objection(to: message) ?? heldWeights.objection(to: message) {
            return notify(.dropped("a message of the coordinator: \(objection)"))
        }
        let payload = heldWeights.payload(of: message, received.payload)
        // Our workers would notice only one by one, and we could not give them others.
        if case .latentGradients(_, let round, let content) = message, WeightsContent(payload) != content {
            return notify(.dropped("the weights of round \(round) are not those that its coordinator has"))
        }
        try perform(core.onMessage(message, now: .now), fromAbove: payload)
    }

    /// Something happened on the link to our workers, or a deadline passed. A signal is the owner's affair.
    package func handle(_ event: LinkEvent) throws {
        switch event {
        case .message(let message, let peer): try receive(message, from: peer)
        case .deadline: try perform(core.onDeadline(now: .now))
        case .linkInDoubt(let peer): try perform(core.onLinkDoubt(peer, now: .now))
        case .revoked(let peer, let name): try perform(core.onRevoked(peer, keyName: name, now: .now))
        case .workerEnded, .stopped: break
        }
    }

    /// The link to the coordinator came up or went down.
    package func linkChanged(isUp: Bool) throws { try perform(core.onLink(isUp: isUp, now: .now)) }

    package func stop(reason: String) throws { try perform(core.onStop(reason: reason, now: .now)) }

    private func receive(_ message: Message, from peer: PeerID) throws {
        let received: ReceivedMessage<WorkerMessage>
        do {
            received = try ReceivedMessage(message, limits: limits, WorkerMessage.decode)
        } catch {
            return try perform(core.onMalformed(error, from: peer, now: .now))
        }
        let answer = received.answer
        try perform(
            core.onMessage(received.content, from: peer, credential: link.keyName(of: peer), now: .now), answer: answer)
        // Nothing else forgets a stranger whose first word is farewell.
        if case .goodbye = received.content { link.forget(peer) }
    }

    // MARK: Actions

    /// Carries out actions in order; what they lead to comes after them.
    private func perform(_ actions: [RelayAction], fromAbove payload: [Frame] = [], answer: Answer? = nil) throws {
        var queue = actions[...]
        while let action = queue.popFirst() {
            switch action {
            case .above(let action): try perform(action, payload)
            case .below(let action): queue += try perform(action, answer)
            case .begin(let lease): begin(lease)
            case .sum(let lease): try sum(lease)
            }
        }
    }

    private func perform(_ action: WorkerAction, _ payload: [Frame]) throws {
        switch action {
        case .send(let message): try send([Frame(message.header)])
        case .prepare(let welcome): prepare(for: welcome, payload)
        case .keep(let lease): kept[lease] = [firstRounds.images(of: lease, cameWith: payload[0]), payload[1]]
        case .keepWeights(let step):
            heldWeights.keep(payload, ofStep: step)
            _ = firstRounds.forget(before: step)
        case .drop(let lease): kept[lease] = nil
        // A hello that was repeated while the coordinator was busy is welcomed twice.
        case .ignore(.alreadyAdmitted): break
        case .ignore(let reason): notify(.dropped("a message of the coordinator: \(reason)"))
        case .finish(let end): self.end = end
        case .compute(let lease): preconditionFailure("a relay computes nothing itself: \(lease)")
        }
    }

    private func begin(_ lease: ShardLease) {
        tree.reset(microbatches: lease.totalMicrobatches)
        sheet = nil
        guard lease.task == .embeddings else { return }
        let extent = StepExtent(examples: lease.totalExamples, examplesPerMicrobatch: microbatchSize)
        sheet = LatentSheet(lease.range, of: extent, floatsPerExample: limits.latentCount ?? 0)
    }

    private func prepare(for welcome: Welcome, _ payload: [Frame]) {
        self.welcome = welcome
        if let frame = payload.first { job = frame }
        limits.parameterCount = welcome.parameterCount
        limits.latentCount = welcome.latentCount
        _ = firstRounds.forgetAll()
        heldWeights.forget()
        guard pool.count != welcome.parameterCount else { return }
        pool = BufferPool(count: welcome.parameterCount)
        tree = ReductionTree(microbatches: 1, pool: pool)
    }

    /// Returns what follows from a send that failed.
    private func perform(_ action: CoordinatorAction, _ answer: Answer?) throws -> [RelayAction] {
        switch action {
        case .welcome(let peer):
            guard let welcome else { preconditionFailure("a welcome before our own") }
            return try send(.welcome(welcome), [job], to: peer)
        case .weights(let step, let peer):
            return try send(CoordinatorMessage.weights, step, heldWeights.frames, to: peer)
        case .latentGradients(let step, let peer):
            return try send(CoordinatorMessage.latentGradients, step, Array(heldWeights.frames.dropFirst()), to: peer)
        case .lease(let lease, let peer):
            let payload = payload(of: lease)
            let content = ShardContent(pixels: payload[0].fingerprint, targets: payload[1].fingerprint)
            return try send(.shard(lease, content), payload, to: peer)
        case .ping(let peer): return try send(.ping(run: welcome?.run ?? .none), to: peer)
        case .refuse(let peer, let refusal):
            notify(.refused(refusal.reason))
            _ = try send(.refuse(refusal), to: peer)
            link.forget(peer)
        case .goodbye(let peer, let reason):
            _ = try send(.goodbye(run: welcome?.run ?? .none, reason), to: peer)
            link.forget(peer)
        case .accept(let lease):
            guard let answer else { preconditionFailure("\(lease) accepted without an answer") }
            if sheet != nil { sheet?.insert(answer) } else { answer.insert(into: &tree, pool) }
        case .report(let peer):
            let refusal = Refuse(
                code: .other, build: build, reason: "this is a relay: ask its coordinator how the run stands")
            _ = try send(.refuse(refusal), to: peer)
        case .forget(let peer): link.forget(peer)
        case .ignore(let peer, let reason): notify(.dropped("a message of \(peer): \(reason)"))
        case .joined(let worker):
            link.joined(processID: worker.processID)
            notify(.joined("\(worker)"))
        case .lost(let worker, let reason):
            notify(.lost("\(worker)", reason: "\(reason)"))
            // Whoever registers anew over the link that it has is spoken to at once.
            if reason != .replaced { link.forget(worker.peer) }
        case .confirmed: break
        case .noWorkers, .workersBack, .stepComplete, .shardFailed, .arbitrate, .quarantined, .goBack, .diverged,
            .noMajority:
            preconditionFailure("not a relay's: \(action)")
        }
        return []
    }

    private func send(
        _ message: (RunID, UInt64, WeightsContent) -> CoordinatorMessage, _ step: UInt64, _ frames: [Frame],
        to peer: PeerID
    ) throws -> [RelayAction] {
        guard let run = welcome?.run, !frames.isEmpty else {
            preconditionFailure("step \(step) without weights")
        }
        return try send(message(run, step, core.weights), frames, to: peer)
    }

    private func send(_ message: CoordinatorMessage, _ payload: [Frame] = [], to peer: PeerID) throws -> [RelayAction] {
        // A stalled peer has not taken what it was sent before: for us it is gone, and may come back.
        if try link.send([Frame(message.header)] + payload, to: peer) == .sent { return [] }
        return core.onUnreachable(peer, now: .now)
    }

    /// Pixels and targets of a part of a lease that is kept.
    private func payload(of part: ShardLease) -> [Frame] {
        let whole = kept.first { lease, _ in
            lease.run == part.run && lease.step == part.step && lease.range.contains(part.range)
        }
        guard let (lease, frames) = whole, frames.count == 2 else { preconditionFailure("\(part) of no lease") }
        let first = (part.range.first - lease.range.first) * microbatchSize
        let slice = ExampleSlice(examples: first..<first + part.examples, of: lease)
        let pixels = part.reuses == 0 ? slice.pixels(in: frames[0]) : Frame([])
        return [pixels, slice.targets(in: frames[1])]
    }

    /// The sums of the lease's nodes go up. Whoever waits for nothing else sends them as they came.
    private func sum(_ lease: ShardLease) throws {
        if let sheet {
            let nodes = lease.nodes.map(sheet.node)
            return try answer(with: nodes.map(\.summary), nodes.map(\.frame))
        }
        let partials = lease.nodes.map { node in
            guard let partial = tree.take(node) else {
                preconditionFailure("\(lease) is complete, its node \(node) is not")
            }
            return partial
        }
        let summaries = zip(lease.nodes, partials).map { node, partial in
            NodeSummary(
                node: node, examples: partial.exampleCount, active: partial.activeCount, lossSum: partial.lossSum,
                secondTermSum: partial.secondTermSum, gradient: partial.gradient.fingerprint)
        }
        try answer(with: summaries, partials.map { Frame(borrowing: $0.gradient, bytes: $0.gradient.bytes) })
    }

    private func answer(with summaries: [NodeSummary], _ payload: [Frame]) throws {
        var rest: [RelayAction] = []
        for action in core.onSummed(nodes: summaries, now: .now) {
            guard case .above(.send(.partials(let answer))) = action else {
                rest.append(action)
                continue
            }
            try send([Frame(WorkerMessage.partials(answer).header)] + payload)
        }
        try perform(rest)
    }
}
