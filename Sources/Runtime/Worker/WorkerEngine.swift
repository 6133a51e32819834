// A worker without its socket: the worker's core, the computer of shards, and the carrying out of the core's actions. Whoever
// owns it passes messages in and sends what comes out: a process with a DEALER, or the coordinator itself (`--workers 0`).
internal import Coordination
internal import Messaging
internal import ModelCore

/// Computes what a coordinator leases. One thread.
final class WorkerEngine {
    /// Sends a message to the coordinator.
    typealias Send = ([Frame]) throws(ZeroMQError) -> Void

    private var core: WorkerCore
    private let send: Send
    /// Called during long computations, so that messages and deadlines are not left waiting; what it throws ends the computation.
    var whileComputing: () throws -> Void = {}
    private let threads: Int
    private var limits = MessageLimits()
    private var computer: ShardComputer?
    /// Payload frames of the leases that the core told us to keep: pixels, targets.
    private var kept: [ShardLease: [Frame]] = [:]
    /// What the core told us to keep.
    private var heldWeights = HeldWeights<Frame>()
    private var firstRounds = FirstRounds<Frame, ShardPasses>()
    /// Gradients on their way: free again when no frame refers to them any more.
    private var loans: [GradientLoan] = []
    private var pending: [ShardLease] = []
    private var isComputing = false
    /// Set when the worker's life is over.
    private(set) var end: WorkerEnd?

    init(_ configuration: WorkerConfiguration, send: @escaping Send) {
        core = WorkerCore(configuration: configuration, now: .now)
        threads = Int(configuration.threads)
        self.send = send
    }

    var nextDeadline: UInt64? { core.nextDeadline?.nanoseconds }

    func start() throws { try perform(core.onStart(now: .now)) }

    func onDeadline() throws { try perform(core.onDeadline(now: .now)) }

    func onLinkUp() throws { try perform(core.onLinkUp(now: .now)) }

    func stop(reason: String) throws { try perform(core.onStop(reason: reason, now: .now)) }

    /// A message arrived. Returns why it was dropped, if it was.
    @discardableResult
    func receive(_ message: Message) throws -> String? {
        let received: ReceivedMessage<CoordinatorMessage>
        do {
            received = try ReceivedMessage(message, limits: limits, CoordinatorMessage.decode)
        } catch {
            return "\(error)"
        }
        let message = received.content
        if let objection = firstRounds.objection(to: message) ?? heldWeights.objection(to: message) { return objection }
        return try perform(
            core.onMessage(message, now: .now), payload: heldWeights.payload(of: message, received.payload))
    }

    // MARK: Actions

    @discardableResult
    private func perform(_ actions: [WorkerAction], payload: [Frame] = []) throws -> String? {
        var ignored: String?
        for action in actions {
            switch action {
            case .send(let message): try send([Frame(message.header)])
            case .prepare(let welcome): prepare(for: welcome, payload)
            case .keep(let lease):
                kept[lease] = [firstRounds.images(of: lease, cameWith: payload[0]), payload[1]]
            case .keepWeights(let step):
                heldWeights.keep(payload, ofStep: step)
                firstRounds.forget(before: step).forEach { computer?.recycle($0) }
            case .drop(let lease): kept[lease] = nil
            // A hello that was repeated while the coordinator was busy is welcomed twice.
            case .ignore(.alreadyAdmitted): break
            case .ignore(let reason): ignored = "\(reason)"
            case .finish(let end): self.end = end
            case .compute(let lease): pending.append(lease)
            }
        }
        try computePending()
        return ignored
    }

    /// Computations run here and not inside `perform`, so that messages taken in meanwhile only queue up.
    private func computePending() throws {
        guard !isComputing else { return }
        isComputing = true
        defer { isComputing = false }
        while !pending.isEmpty, end == nil { try compute(pending.removeFirst()) }
    }

    /// Same protocol and arithmetic, but a job we do not know: every shard of it is answered with a failure.
    private func prepare(for welcome: Welcome, _ payload: [Frame]) {
        let bytes = payload.first.map { frame in frame.withUnsafeBytes { Array($0) } } ?? []
        limits.parameterCount = welcome.parameterCount
        limits.latentCount = welcome.latentCount
        firstRounds.forgetAll().forEach { computer?.recycle($0) }
        heldWeights.forget()
        guard let network = NetworkDescription(jobDescription: bytes),
            ParameterLayout(network).paddedCount == welcome.parameterCount
        else { return computer = nil }
        if computer?.network != network { computer = ShardComputer(network, threads: threads) }
    }

    private func compute(_ lease: ShardLease) throws {
        let payload = kept.removeValue(forKey: lease) ?? []
        guard let computer else {
            return try finish(core.onFailed(reason: "this build does not know the job it was given", now: .now))
        }
        // Other weights may come while these are computed at.
        let weights = heldWeights.frames
        guard !weights.isEmpty else { preconditionFailure("the core knows that the weights of \(lease) are here") }
        if let objection = objection(to: lease, payload: payload, weights: weights, computer) {
            return try finish(core.onFailed(reason: objection, now: .now))
        }
        let sums: ShardSums
        do {
            sums = try computer.sums(
                of: lease, payload: payload, weights: weights, passes: firstRounds.passes(for: lease)
            ) { done in
                _ = core.onProgress(lease: lease.lease, microbatchesDone: UInt32(done), now: .now)
                try whileComputing()
                if end != nil { throw NotWanted() }
            }
        } catch is NotWanted {
            return
        }
        if let passes = sums.passes, !firstRounds.note(passes, of: lease) { computer.recycle(passes) }
        try finish(
            core.onComputed(nodes: sums.nodes, weights: WeightsContent(weights).fingerprint, now: .now), sums.gradients)
    }

    /// The worker's life ended in the middle of a shard.
    private struct NotWanted: Error {}

    /// Carries out what follows from a computation; `gradients` are the payload of the partials message.
    private func finish(_ actions: [WorkerAction], _ gradients: [GradientBuffer] = []) throws {
        reclaim()
        var rest: [WorkerAction] = []
        var wasSent = false
        for action in actions {
            guard case .send(.partials(let partials)) = action else {
                rest.append(action)
                continue
            }
            let lent = gradients.map(GradientLoan.init)
            loans += lent
            let payload = lent.map { Frame(borrowing: $0, bytes: $0.buffer.bytes) }
            try send([Frame(WorkerMessage.partials(partials).header)] + payload)
            wasSent = true
        }
        if !wasSent { gradients.forEach(recycle) }
        try perform(rest)
    }

    /// Takes back the buffers that nobody else refers to any more.
    private func reclaim() {
        for index in loans.indices.reversed() where isKnownUniquelyReferenced(&loans[index]) {
            recycle(loans.remove(at: index).buffer)
        }
    }

    /// A buffer of another job than the present one is let go.
    private func recycle(_ buffer: GradientBuffer) {
        if let computer, buffer.count == computer.parameterCount { computer.recycle(buffer) }
    }
}

/// What a frame retains while it lends a gradient buffer's memory: when nobody retains it, the buffer is free.
private final class GradientLoan {
    let buffer: GradientBuffer

    init(_ buffer: GradientBuffer) { self.buffer = buffer }
}
