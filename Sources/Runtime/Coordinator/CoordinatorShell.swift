// The coordinator's I/O: carries out what the core asks, feeds it what happens, keeps the reduction tree. A step is `begin`
// (weights out), perhaps `prepare` for the next one (its examples out), and `gradientSum` (the sum of all gradients in).
package import Coordination
package import Datasets
package import Messaging
package import ModelCore

/// The examples of a step, and what is made of them: one round of it.
package struct StepInput {
    /// The training step.
    package let number: UInt64
    let task: ShardTask
    let examples: ExampleIndices
    let images: ImageSet
    let isLast: Bool

    package init(
        number: UInt64, task: ShardTask = .gradients, examples: ExampleIndices, images: ImageSet, isLast: Bool = false
    ) {
        self.number = number
        self.task = task
        self.isLast = isLast
        self.examples = examples
        self.images = images
    }

    /// The second round of a step whose first this is.
    var secondRound: StepInput {
        StepInput(number: number, task: .gradientsOfLatents, examples: examples, images: images, isLast: isLast)
    }

    /// The number of the round in the protocol.
    var round: UInt64 { task.number(ofStep: number) }

    var extent: StepExtent { StepExtent(examples: examples.count, examplesPerMicrobatch: microbatchSize) }
}

/// What the coordinator tells the user about its workers.
package enum ClusterNotice: Equatable {
    case joined(String)
    case lost(String, reason: String)
    case refused(String)
    case noWorkers
    case workersBack
    case dropped(String)
    /// It computed wrongly; what it has contributed since it was last confirmed.
    case quarantined(String, unconfirmed: String?)
}

/// Runs the coordinator's core over a link.
package final class CoordinatorShell {
    private let link: any WorkerLink
    private let network: NetworkDescription
    private let job: [UInt8]
    private let limits: MessageLimits
    private let pool: BufferPool
    private let notify: (ClusterNotice) -> Void
    private var core: CoordinatorCore
    private var tree: ReductionTree
    /// The latent vectors of a first round.
    private var sheet: LatentSheet?
    private var input: StepInput?
    private var nextInput: StepInput?
    /// The weights of the running round, frames that all workers share, and their fingerprints.
    private var weights: (frames: [Frame], content: WeightsContent)?
    /// The round before the running one: somebody may still answer to it, and the arbiter be needed.
    private var previous: (input: StepInput, weights: [Frame])?
    private var isComplete = false
    private var hasDiverged = false
    private lazy var arbiter = Arbiter(network)
    /// What it is to compute, one after the other, and whether it is at it.
    private var disputes: [ShardLease] = []
    private var isArbitrating = false
    /// Where to note what is done when, and when each worker was last sent something that it waited for.
    package var trace: StepTrace?
    private var sendTimes: [PeerID: UInt64] = [:]
    /// What is answered to who asks how the run stands: the document, also as a frame.
    var report: () -> (document: [UInt8], frame: Frame) = { ([], Frame([])) }

    package init(
        link: any WorkerLink, network: NetworkDescription, build: BuildIdentity, run: RunID = RunEpoch.first().run,
        audit: AuditPlan? = nil,
        notify: @escaping (ClusterNotice) -> Void
    ) {
        let parameterCount = ParameterLayout(network).paddedCount
        self.link = link
        self.network = network
        self.notify = notify
        job = network.jobDescription
        limits = MessageLimits(
            parameterCount: parameterCount, latentCount: network.kind.towers * network.latentDimensions)
        pool = BufferPool(count: parameterCount)
        tree = ReductionTree(microbatches: 1, pool: pool)
        var configuration = CoordinatorConfiguration(
            run: run, build: build, imagesPerExample: network.kind.imagesPerExample)
        configuration.audit = audit
        core = CoordinatorCore(configuration: configuration, now: .now)
    }

    package var workers: [WorkerIdentity] { core.workers }

    package var run: RunID { core.run }

    /// How every worker is.
    package var figures: [WorkerFigures] { core.figures(now: .now) }

    /// What workers have contributed unconfirmed, and who is in quarantine. Set when a run is resumed, before its first step.
    package var ledger: Ledger {
        get { core.ledger }
        set { core.ledger = newValue }
    }

    /// Begins a step, or a round of one, at `weights`; its examples may be under way already.
    ///
    /// - Parameter latentGradients: of a second round: [example][tower][dimension]
    package func begin(_ input: StepInput, weights: Frame, latentGradients: Frame? = nil) throws {
        previous = self.input.flatMap { last in
            last.round < input.round ? self.weights.map { (last, $0.frames) } : nil
        }
        self.input = input
        nextInput = nil
        let frames = [weights] + (latentGradients.map { [$0] } ?? [])
        // The end of a first round has seen that its weights are what they were.
        let isSecond = previous?.input.number == input.number && latentGradients != nil
        let content = WeightsContent(frames, weights: isSecond ? self.weights?.content.weights : nil)
        self.weights = (frames, content)
        isComplete = false
        tree.reset(microbatches: input.extent.microbatches)
        sheet = input.task == .embeddings ? newSheet(for: input.extent) : nil
        try perform(
            core.beginStep(
                input.round, extent: input.extent, task: input.task, weights: content.fingerprint,
                isLast: input.isLast, now: .now))
    }

    private func newSheet(for extent: StepExtent) -> LatentSheet {
        LatentSheet(
            extent.allMicrobatches, of: extent,
            floatsPerExample: network.kind.towers * network.latentDimensions)
    }

    /// Sends the examples of the step after the running one ahead. Once a step.
    package func prepare(_ input: StepInput) throws {
        nextInput = input
        try perform(core.prepareStep(input.round, extent: input.extent, task: input.task, now: .now))
    }

    /// The sum of the running step's gradients and losses, once it is complete; its buffer goes back with `recycle`.
    ///
    /// - Throws: `GoBack` when results that were used are void
    package func gradientSum() throws -> Partial {
        try awaitAnswers()
        guard let sum = tree.takeRoot() else { preconditionFailure("a complete step has a root") }
        return sum
    }

    /// The latent vectors of the running first round, [example][tower][dimension], once all are here.
    ///
    /// - Throws: as `gradientSum`
    package func latents() throws -> [Float] {
        try awaitAnswers()
        guard let sheet else { preconditionFailure("latent vectors of a step that is no first round") }
        return sheet.latents
    }

    private func awaitAnswers() throws {
        while !isComplete {
            let event = try trace.span(.wait) { try link.next(until: core.nextDeadline?.nanoseconds) }
            try trace.span(.sum) { try handle(event) }
        }
        guard let weights, WeightsContent(weights.frames) == weights.content else {
            throw RunFailure(
                .internalError,
                "the weights have changed in this machine's memory while step \(input?.number ?? 0) was computed: the memory is "
                    + "broken. The last checkpoint is intact: go on with --resume, on another machine")
        }
    }

    /// The sum just taken is not finite: finds out whether it is the model's doing, and returns if so.
    ///
    /// - Throws: `GoBack` if it is a worker's
    package func examineNonFinite() throws {
        hasDiverged = false
        try perform(core.onNonFinite(now: .now))
        precondition(hasDiverged, "an examination ends with somebody at fault, or nobody")
    }

    package func recycle(_ buffer: GradientBuffer) { pool.recycle(buffer) }

    /// Serves the link until `count` workers are there, or `deadline` passes.
    package func awaitWorkers(_ count: Int, until deadline: UInt64) throws {
        while core.workers.count < count, MonotonicClock.now() < deadline {
            let next = core.nextDeadline.map { min($0.nanoseconds, deadline) } ?? deadline
            try handle(link.next(until: next))
        }
    }

    /// Handles what has happened, without waiting.
    package func attend() throws {
        while true {
            let event = try link.next(until: 0)
            try handle(event)
            if case .deadline = event { return }
        }
    }

    /// Sends everybody home, and waits a moment until they have left.
    package func stop(_ reason: GoodbyeReason) throws {
        try perform(core.stop(reason, now: .now))
        try link.awaitDepartures(until: MonotonicClock.now() + Self.farewell)
    }

    /// Nanoseconds. A worker looks up from its computation every tenth of a second.
    private static let farewell: UInt64 = 1_000_000_000

    // MARK: Events

    private func handle(_ event: LinkEvent) throws {
        switch event {
        case .message(let message, let peer): try receive(message, from: peer)
        case .workerEnded(let processID):
            for worker in core.workers where worker.processID == processID {
                try perform(core.onUnreachable(worker.peer, now: .now))
            }
        case .linkInDoubt(let peer): try perform(core.onLinkDoubt(peer, now: .now))
        case .revoked(let peer, let name):
            try perform(core.onRevoked(peer, keyName: name, now: .now))
        case .stopped(let signal): throw StopRequest(signal: signal)
        case .deadline: try perform(core.onDeadline(now: .now))
        }
    }

    private func receive(_ message: Message, from peer: PeerID) throws {
        let received: ReceivedMessage<WorkerMessage>
        do {
            received = try ReceivedMessage(message, limits: limits, WorkerMessage.decode)
        } catch {
            return try perform(core.onMalformed(error, from: peer, now: .now))
        }
        let answer = received.answer
        if let trace, let answer, let worker = core.workers.first(where: { $0.peer == peer }),
            let sent = sendTimes[peer]
        {
            trace.note(answer.partials, of: worker, sent: sent)
        }
        try perform(
            core.onMessage(received.content, from: peer, credential: link.keyName(of: peer), now: .now), answer: answer)
        // Nothing else forgets a stranger whose first word is farewell.
        if case .goodbye = received.content { link.forget(peer) }
    }

    // MARK: Actions

    /// Carries out actions in order; what a failing send leads to comes after them.
    private func perform(_ actions: [CoordinatorAction], answer: Answer? = nil) throws {
        var queue = actions[...]
        while let action = queue.popFirst() {
            if let unreachable = try perform(action, answer) {
                queue += core.onUnreachable(unreachable, now: .now)
            }
        }
        try arbitrate()
    }

    /// Returns the peer that could not be reached, if there was one.
    private func perform(_ action: CoordinatorAction, _ answer: Answer?) throws -> PeerID? {
        switch action {
        case .welcome(let peer): return try send(.welcome(welcome), [Frame(job)], to: peer)
        case .weights(let step, let peer):
            guard let weights else { preconditionFailure("step \(step) has begun without weights") }
            if trace != nil { sendTimes[peer] = MonotonicClock.now() }
            return try send(.weights(run: core.run, step: step, content: weights.content), weights.frames, to: peer)
        case .latentGradients(let step, let peer):
            guard let weights, weights.frames.count > 1 else { preconditionFailure("\(step) is no second round") }
            if trace != nil { sendTimes[peer] = MonotonicClock.now() }
            let message = CoordinatorMessage.latentGradients(run: core.run, step: step, content: weights.content)
            return try send(message, [weights.frames[1]], to: peer)
        case .lease(let lease, let peer):
            let payload = payload(of: lease)
            let content = ShardContent(pixels: payload[0].fingerprint, targets: payload[1].fingerprint)
            return try send(.shard(lease, content), payload, to: peer)
        case .ping(let peer): return try send(.ping(run: core.run), to: peer)
        case .refuse(let peer, let refusal):
            notify(.refused(refusal.reason))
            _ = try send(.refuse(refusal), to: peer)
            link.forget(peer)
        case .goodbye(let peer, let reason):
            _ = try send(.goodbye(run: core.run, reason), to: peer)
            link.forget(peer)
        case .accept(let lease):
            guard let answer else { preconditionFailure("\(lease) accepted without an answer") }
            if sheet != nil { sheet?.insert(answer) } else { answer.insert(into: &tree, pool) }
        case .confirmed: break
        case .arbitrate(let lease): disputes.append(lease)
        case .quarantined(let worker, let unconfirmed):
            notify(.quarantined("\(worker)", unconfirmed: unconfirmed.map { "\($0.inSteps(task.step))" }))
        case .goBack(let round):
            throw GoBack(
                before: Int(clamping: task.step(ofNumber: round)),
                reason: "a worker computed wrongly, and results of it were used")
        case .diverged: hasDiverged = true
        case .noMajority(let lease, let opinions, let round):
            throw NoMajority(
                goBack: GoBack(
                    before: Int(clamping: task.step(ofNumber: round)),
                    reason: "nobody knows which of the answers is right"),
                description:
                    "step \(lease.task.step(ofNumber: lease.step)), shard \(lease.shard): \(opinions.joined(separator: " and ")) computed different "
                    + "bits, and nobody knows which are right. Test the memory and the processors of these machines; with a third "
                    + "machine the odd one out would be found. Go on with --resume")
        case .ignore(let peer, let reason): notify(.dropped("a message of \(peer): \(reason)"))
        case .report(let peer):
            let (document, frame) = report()
            _ = try send(.statusReport(StatusReport(run: core.run, document: document)), [frame], to: peer)
        case .forget(let peer): link.forget(peer)
        case .joined(let worker):
            link.joined(processID: worker.processID)
            notify(.joined("\(worker)"))
        case .lost(let worker, let reason):
            notify(.lost("\(worker)", reason: "\(reason)"))
            // Whoever registers anew over the link that it has is spoken to at once.
            if reason != .replaced { link.forget(worker.peer) }
        case .noWorkers: notify(.noWorkers)
        case .workersBack: notify(.workersBack)
        case .stepComplete: isComplete = true
        case .shardFailed(let failure): throw RunFailure(.internalError, "\(failure)")
        }
        return nil
    }

    private var welcome: Welcome {
        Welcome(
            run: core.run, parameterCount: pool.count, latentCount: limits.latentCount ?? 0, jobDescription: job)
    }

    /// Any of the tasks of this run: all number its steps alike.
    private var task: ShardTask { network.kind.isInBatch ? .embeddings : .gradients }

    private func send(_ message: CoordinatorMessage, _ payload: [Frame] = [], to peer: PeerID) throws -> PeerID? {
        // A stalled peer has not taken what it was sent before: for us it is gone, and may come back.
        try link.send([Frame(message.header)] + payload, to: peer) == .sent ? nil : peer
    }

    /// Pixels and targets of a shard, of the running round or the next; without pixels where the worker has them.
    private func payload(of lease: ShardLease) -> [Frame] {
        guard
            let input = [input, nextInput, previous?.input].compactMap({ $0 }).first(where: { $0.round == lease.step })
        else {
            preconditionFailure("a lease without a step")
        }
        let first = lease.range.first * microbatchSize
        let examples = first..<(first + lease.examples)
        let targets = input.examples.targets[examples].withUnsafeBytes { Frame(copying: $0) }
        if lease.reuses != 0 { return [Frame([]), targets] }
        let pixels = PixelBuffer(byteCount: input.examples.gatheredSize(of: examples))
        input.examples.gather(examples, from: input.images, into: pixels.bytes)
        return [Frame(borrowing: pixels, bytes: UnsafeRawBufferPointer(pixels.bytes)), targets]
    }

    /// The third opinion, or the second where there is only one worker. It may take as long as many steps, so the link is served
    /// meanwhile; what that brings up waits for its turn, and what it makes void (`GoBack`) is not computed to the end.
    private func arbitrate() throws {
        guard !isArbitrating else { return }
        isArbitrating = true
        defer { (isArbitrating, disputes) = (false, []) }
        while !disputes.isEmpty {
            let lease = disputes.removeFirst()
            let isLate = lease.step == previous?.input.round
            guard let weights = isLate ? previous?.weights : weights?.frames else {
                preconditionFailure("step \(lease.step) has begun without weights")
            }
            let nodes = try arbiter.nodes(of: lease, payload: payload(of: lease), weights: weights, pausing: attend)
            try perform(core.onArbitration(lease, nodes: nodes, now: .now))
        }
    }
}

/// The user wants the run to end.
struct StopRequest: Error {
    let signal: StopSignal
}

/// Pixels on their way to a worker. Written once, before it is shared: hence Sendable.
private final class PixelBuffer: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer

    init(byteCount: Int) { bytes = .allocate(byteCount: byteCount, alignment: 64) }

    deinit { bytes.deallocate() }
}
