// The shell of a relay core in a simulation: frames in, frames out, and the tree of the lease under way.

import Coordination

/// One relay process from its start to its end.
final class SimulatedRelay {
    var core: RelayCore
    /// Why the process has ended; nil: it lives.
    private(set) var end: String?
    private(set) var problems: [String] = []
    private(set) var welcome: Welcome?

    private var limits = MessageLimits(maximumExamples: 4096)
    private var kept: [ShardLease: [[UInt8]]] = [:]
    private var weights: RoundContent?
    private var heldWeights = HeldWeights<[UInt8]>()
    private var firstRounds = FirstRounds<[UInt8], Never>()
    /// The latent vectors of a first round.
    private var sheet: ToySheet?
    private let examplesPerMicrobatch: Int
    private let pool = BufferPool(count: ToyModel.parameterCount)
    private var tree: ReductionTree

    /// What leaves the process.
    enum Output {
        case up(Frames)
        case down(Frames, PeerID)
    }

    init(incarnation: UInt64, examplesPerMicrobatch: Int, now: Instant) {
        let configuration = RelayConfiguration(
            build: Simulation.build, incarnation: incarnation, processID: 1, processName: "relay",
            examplesPerMicrobatch: examplesPerMicrobatch)
        self.examplesPerMicrobatch = examplesPerMicrobatch
        core = RelayCore(configuration: configuration, now: now)
        tree = ReductionTree(microbatches: 1, pool: pool)
    }

    var isAlive: Bool { end == nil }

    func kill() { end = "killed" }

    func receive(fromAbove frames: Frames, now: Instant) -> [Output] {
        do throws(DecodingFailure) {
            let message = try frames.decodeFromCoordinator(limits)
            if firstRounds.objection(to: message) != nil { return [] }
            if heldWeights.objection(to: message) != nil { return [] }
            let payload = heldWeights.payload(of: message, frames.payload)
            return carryOut(core.onMessage(message, now: now), now: now, payload: payload)
        } catch .parameterCountUnknown {
            return []  // a shard overtook the welcome
        } catch {
            problems.append("a relay could not decode: \(error)")
            return []
        }
    }

    func receive(_ frames: Frames, from peer: PeerID, now: Instant) -> [Output] {
        do throws(DecodingFailure) {
            let message = try frames.decodeFromWorker(limits)
            return carryOut(
                core.onMessage(message, from: peer, now: now), now: now, payload: frames.payload, message: message)
        } catch .parameterCountUnknown {
            // An answer to the relay that was here before: this one knows no job yet, and hello will be said again.
            return carryOut(core.onMalformed(.parameterCountUnknown, from: peer, now: now), now: now)
        } catch {
            problems.append("a relay could not decode: \(error)")
            return []
        }
    }

    func carryOut(
        _ actions: [RelayAction], now: Instant, payload: [[UInt8]] = [], message: WorkerMessage? = nil
    ) -> [Output] {
        actions.flatMap { action -> [Output] in
            switch action {
            case .above(let action): perform(action, payload)
            case .below(let action): perform(action, payload, message)
            case .begin(let lease): begin(lease)
            case .sum(let lease): sum(lease, now)
            }
        }
    }

    private func begin(_ lease: ShardLease) -> [Output] {
        if weights?.number != lease.step { problems.append("\(lease) begins without its weights") }
        if kept[lease] == nil { problems.append("\(lease) begins without its examples") }
        tree.reset(microbatches: lease.totalMicrobatches)
        let extent = StepExtent(examples: lease.totalExamples, examplesPerMicrobatch: examplesPerMicrobatch)
        sheet = lease.task == .embeddings ? ToySheet(lease.range, of: extent) : nil
        return []
    }

    private func sum(_ lease: ShardLease, _ now: Instant) -> [Output] {
        if let sheet {
            let nodes = lease.nodes.map(sheet.node)
            return carryOut(
                core.onSummed(nodes: nodes.map(\.summary), now: now), now: now, payload: nodes.map(\.frame))
        }
        let partials = lease.nodes.compactMap { tree.take($0) }
        if partials.count != lease.nodes.count { problems.append("\(lease) is summed before it is complete") }
        let nodes = zip(lease.nodes, partials).map { NodeSummary($0, $1) }
        defer { for partial in partials { pool.recycle(partial.gradient) } }
        return carryOut(
            core.onSummed(nodes: nodes, now: now), now: now,
            payload: partials.map { FloatFrame.bytes($0.gradient.values) })
    }

    private func perform(_ action: WorkerAction, _ payload: [[UInt8]]) -> [Output] {
        switch action {
        case .send(.partials(let partials)):
            return [.up(Frames(header: WorkerMessage.partials(partials).header, payload: payload))]
        case .send(let message): return [.up(Frames(header: message.header))]
        case .prepare(let welcome):
            self.welcome = welcome
            (limits.parameterCount, limits.latentCount) = (welcome.parameterCount, welcome.latentCount)
            _ = firstRounds.forgetAll()
            heldWeights.forget()
        case .keep(let lease): kept[lease] = [firstRounds.images(of: lease, cameWith: payload[0]), payload[1]]
        case .keepWeights(let step):
            heldWeights.keep(payload, ofStep: step)
            weights = RoundContent(number: step, payload)
            _ = firstRounds.forget(before: step)
        case .drop(let lease): kept[lease] = nil
        case .finish(let end): self.end = "\(end)"
        case .compute(let lease): problems.append("a relay is told to compute \(lease)")
        case .ignore: break
        }
        if kept.count > 5 { problems.append("a relay keeps \(kept.count) shards") }
        return []
    }

    private func perform(_ action: CoordinatorAction, _ payload: [[UInt8]], _ message: WorkerMessage?) -> [Output] {
        func down(_ message: CoordinatorMessage, _ payload: [[UInt8]] = [], _ peer: PeerID) -> [Output] {
            [.down(Frames(header: message.header, payload: payload), peer)]
        }
        let run = welcome?.run ?? .none
        switch action {
        case .welcome(let peer):
            guard let welcome else {
                problems.append("a relay welcomes before it was welcomed")
                return []
            }
            return down(.welcome(welcome), [[1, 2, 3]], peer)
        case .weights(let step, let peer), .latentGradients(let step, let peer):
            guard let weights, weights.number == step else {
                problems.append("a relay has no weights of step \(step)")
                return []
            }
            let (message, payload) = weights.message(run, hasWeights: action == .latentGradients(step: step, to: peer))
            return down(message, payload, peer)
        case .lease(let lease, let peer):
            let payload = self.payload(of: lease)
            let content = ShardContent(pixels: fingerprint(of: payload[0]), targets: fingerprint(of: payload[1]))
            return down(.shard(lease, content), payload, peer)
        case .refuse(let peer, let refusal): return down(.refuse(refusal), [], peer)
        case .ping(let peer): return down(.ping(run: run), [], peer)
        case .goodbye(let peer, let reason): return down(.goodbye(run: run, reason), [], peer)
        case .accept:
            if case .partials(let partials)? = message {
                for (summary, frame) in zip(partials.nodes, payload) {
                    if sheet != nil { sheet?.insert(frame, at: summary.node) } else { insert(summary, frame) }
                }
            }
        case .ignore, .joined, .lost, .confirmed: break
        default: problems.append("a relay's shell is told \(action)")
        }
        return []
    }

    private func payload(of part: ShardLease) -> [[UInt8]] {
        let targets = [UInt8](repeating: 0, count: 4 * part.examples)
        let whole = kept.first {
            $0.key.run == part.run && $0.key.step == part.step && $0.key.range.contains(part.range)
        }
        guard let (lease, payload) = whole else {
            problems.append("\(part) lies in no lease that a relay keeps")
            return [[], targets]
        }
        if part.reuses != 0 { return [[], targets] }
        let image = ShardLease.bytesPerImage
        let first = (part.range.first - lease.range.first) * examplesPerMicrobatch
        let images = (0..<part.imagesPerExample).flatMap { tower in
            payload[0][((tower * lease.examples + first) * image)...].prefix(part.examples * image)
        }
        return [images, targets]
    }

    private func insert(_ summary: NodeSummary, _ frame: [UInt8]) {
        let gradient = pool.take()
        frame.withUnsafeBytes { gradient.copyBytes(from: $0) }
        let insertion = tree.insert(
            Partial(
                gradient: gradient, lossSum: summary.lossSum, secondTermSum: summary.secondTermSum,
                exampleCount: summary.examples, activeCount: summary.active), at: summary.node)
        if insertion != .stored, insertion != .completed {
            problems.append("node \(summary.node) accepted by the relay, refused by the tree: \(insertion)")
        }
    }
}
