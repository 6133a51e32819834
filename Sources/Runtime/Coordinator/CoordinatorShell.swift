// The coordinator's I/O: carries out what the core asks, feeds it what happens, keeps the reduction tree. A step is `begin`
// (weights out), perhaps `prepare` for the next one (its examples out), and `gradientSum` (the sum of all gradients in).
package import Coordination
package import Datasets
package import Messaging
package import ModelCore

/// The examples of a step.
package struct StepInput {
    package let number: UInt64
    let examples: ExampleIndices
    let images: ImageSet

    package init(number: UInt64, examples: ExampleIndices, images: ImageSet) {
        self.number = number
        self.examples = examples
        self.images = images
    }

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
}

/// Runs the coordinator's core over a link.
package final class CoordinatorShell {
    private let link: any WorkerLink
    private let network: NetworkDescription
    private let run: RunID
    private let job: [UInt8]
    private let limits: MessageLimits
    private let pool: BufferPool
    private let notify: (ClusterNotice) -> Void
    private var core: CoordinatorCore
    private var tree: ReductionTree
    private var input: StepInput?
    private var nextInput: StepInput?
    /// The weights of the running step, one shared frame for all workers.
    private var weights: Frame?
    private var isComplete = false
    /// Where to note what is done when, and when each worker was last sent something that it waited for.
    package var trace: StepTrace?
    private var sendTimes: [PeerID: UInt64] = [:]
    /// Fingerprints of answers that a second answer will be compared with, by lease; of the present step only.
    private var fingerprints: [UInt64: [UInt64]] = [:]

    package init(
        link: any WorkerLink, network: NetworkDescription, build: BuildIdentity,
        notify: @escaping (ClusterNotice) -> Void
    ) {
        let parameterCount = ParameterLayout(network).paddedCount
        self.link = link
        self.network = network
        self.notify = notify
        job = network.jobDescription
        limits = MessageLimits(parameterCount: parameterCount)
        pool = BufferPool(count: parameterCount)
        tree = ReductionTree(microbatches: 1, pool: pool)
        run = RunID(high: .random(in: 1...UInt64.max), low: .random(in: 1...UInt64.max))
        core = CoordinatorCore(
            configuration: CoordinatorConfiguration(run: run, build: build, imagesPerExample: network.kind.towers),
            now: .now)
    }

    package var workers: [WorkerIdentity] { core.workers }

    /// Begins a step at `weights`; its examples may be under way already.
    package func begin(_ input: StepInput, weights: Frame) throws {
        self.input = input
        nextInput = nil
        self.weights = weights
        isComplete = false
        fingerprints.removeAll(keepingCapacity: true)
        tree.reset(microbatches: input.extent.microbatches)
        try perform(core.beginStep(input.number, extent: input.extent, now: .now))
    }

    /// Sends the examples of the step after the running one ahead. Once a step.
    package func prepare(_ input: StepInput) throws {
        nextInput = input
        try perform(core.prepareStep(input.number, extent: input.extent, now: .now))
    }

    /// The sum of the running step's gradients and losses, once it is complete; its buffer goes back with `recycle`.
    package func gradientSum() throws -> Partial {
        while !isComplete {
            let event = try trace.span(.wait) { try link.next(until: core.nextDeadline?.nanoseconds) }
            try trace.span(.sum) { try handle(event) }
        }
        guard let sum = tree.takeRoot() else { preconditionFailure("a complete step has a root") }
        return sum
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

    /// Sends everybody home.
    package func stop(_ reason: GoodbyeReason) throws { try perform(core.stop(reason, now: .now)) }

    // MARK: Events

    private func handle(_ event: LinkEvent) throws {
        switch event {
        case .message(let message, let peer): try receive(message, from: peer)
        case .workerEnded(let processID):
            for worker in core.workers where worker.processID == processID {
                try perform(core.onUnreachable(worker.peer, now: .now))
            }
        case .stopped(let signal): throw StopRequest(signal: signal)
        case .deadline: try perform(core.onDeadline(now: .now))
        }
    }

    private func receive(_ message: Message, from peer: PeerID) throws {
        guard case .frames(let frames) = message, let header = frames.first else {
            return try perform(core.onMalformed(.inconsistent("a message with too many frames"), from: peer, now: .now))
        }
        let payload = Array(frames.dropFirst())
        let decoded: WorkerMessage
        do {
            decoded = try header.withUnsafeBytes { (bytes) throws(DecodingFailure) in
                try WorkerMessage.decode(header: bytes, payloadSizes: payload.map(\.count), limits: limits)
            }
        } catch {
            return try perform(core.onMalformed(error, from: peer, now: .now))
        }
        var answer: Answer?
        if case .partials(let partials) = decoded { answer = Answer(partials: partials, payload: payload) }
        if let trace, let answer, let worker = core.workers.first(where: { $0.peer == peer }),
            let sent = sendTimes[peer]
        {
            trace.note(answer.partials, of: worker, sent: sent)
        }
        try perform(core.onMessage(decoded, from: peer, now: .now), answer: answer)
    }

    /// The partials message that an action speaks of.
    private struct Answer {
        let partials: Partials
        let payload: [Frame]

        /// Bits to compare with those of another answer for the same shard.
        var fingerprints: [UInt64] {
            payload.map { frame in frame.withUnsafeBytes { fingerprint(of: $0) } }
                + partials.nodes.map(\.lossSum.bitPattern)
        }
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
    }

    /// Returns the peer that could not be reached, if there was one.
    private func perform(_ action: CoordinatorAction, _ answer: Answer?) throws -> PeerID? {
        switch action {
        case .welcome(let peer): return try send(.welcome(welcome), [Frame(job)], to: peer)
        case .weights(let step, let peer):
            guard let weights else { preconditionFailure("step \(step) has begun without weights") }
            if trace != nil { sendTimes[peer] = MonotonicClock.now() }
            return try send(.weights(run: run, step: step), [weights], to: peer)
        case .lease(let lease, let peer): return try send(.shard(lease), payload(of: lease), to: peer)
        case .ping(let peer): return try send(.ping(run: run), to: peer)
        case .refuse(let peer, let refusal):
            notify(.refused(refusal.reason))
            _ = try send(.refuse(refusal), to: peer)
            link.forget(peer)
        case .goodbye(let peer, let reason):
            _ = try send(.goodbye(run: run, reason), to: peer)
            link.forget(peer)
        case .accept(let lease, let audited): accept(answer, lease, audited: audited)
        case .compare(let lease, let first): try compare(answer, lease, first: first)
        case .ignore(let peer, let reason): notify(.dropped("a message of \(peer): \(reason)"))
        case .joined(let worker):
            link.joined(processID: worker.processID)
            notify(.joined("\(worker)"))
        case .lost(let worker, let reason):
            notify(.lost("\(worker)", reason: "\(reason)"))
            link.forget(worker.peer)
        case .noWorkers: notify(.noWorkers)
        case .workersBack: notify(.workersBack)
        case .stepComplete: isComplete = true
        case .shardFailed(let failure): throw RunFailure(.internalError, "\(failure)")
        }
        return nil
    }

    private var welcome: Welcome {
        Welcome(run: run, parameterCount: pool.count, jobDescriptionBytes: job.count)
    }

    private func send(_ message: CoordinatorMessage, _ payload: [Frame] = [], to peer: PeerID) throws -> PeerID? {
        // A stalled peer has not taken what it was sent before: for us it is gone, and may come back.
        try link.send([Frame(message.header)] + payload, to: peer) == .sent ? nil : peer
    }

    /// Pixels and targets of a shard, of the running step or the next.
    private func payload(of lease: ShardLease) -> [Frame] {
        guard let input = [input, nextInput].compactMap({ $0 }).first(where: { $0.number == lease.step }) else {
            preconditionFailure("a lease without a step")
        }
        let first = lease.range.first * microbatchSize
        let examples = first..<(first + lease.examples)
        let pixels = PixelBuffer(byteCount: input.examples.gatheredSize(of: examples))
        input.examples.gather(examples, from: input.images, into: pixels.bytes)
        let targets = input.examples.targets[examples].withUnsafeBytes { Frame(copying: $0) }
        return [Frame(borrowing: pixels, bytes: UnsafeRawBufferPointer(pixels.bytes)), targets]
    }

    private func accept(_ answer: Answer?, _ lease: ShardLease, audited: Bool) {
        guard let answer else { preconditionFailure("\(lease) accepted without an answer") }
        if audited { fingerprints[lease.lease] = answer.fingerprints }
        for (summary, frame) in zip(answer.partials.nodes, answer.payload) {
            let partial = Partial(
                gradient: gradient(in: frame), lossSum: summary.lossSum, exampleCount: summary.examples,
                activeCount: summary.active)
            let insertion = tree.insert(partial, at: summary.node)
            precondition(insertion == .stored || insertion == .completed, "node \(summary.node): \(insertion)")
        }
    }

    /// Where it can be, the received message itself.
    private func gradient(in frame: Frame) -> GradientBuffer {
        if let bytes = frame.takenBytes, let buffer = GradientBuffer(adopting: bytes, of: frame) { return buffer }
        let buffer = pool.take()
        frame.withUnsafeBytes { buffer.copyBytes(from: $0) }
        return buffer
    }

    /// The free audit: two workers computed the same shard, so their bits are the same.
    private func compare(_ answer: Answer?, _ lease: ShardLease, first: UInt64) throws {
        guard let answer, let expected = fingerprints[first] else { return }
        guard answer.fingerprints == expected else {
            throw RunFailure(
                .badConfiguration,
                "step \(lease.step), shard \(lease.shard): two workers computed different bits for the same shard. One of "
                    + "the machines computes wrongly; the checkpoint of the last interval is intact")
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
