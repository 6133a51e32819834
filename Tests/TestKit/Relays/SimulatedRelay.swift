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
    private var weights: (step: UInt64, bytes: [UInt8])?
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
        core = RelayCore(configuration: configuration, now: now)
        tree = ReductionTree(microbatches: 1, pool: pool)
    }

    var isAlive: Bool { end == nil }

    func kill() { end = "killed" }

    func receive(fromAbove frames: Frames, now: Instant) -> [Output] {
        do throws(DecodingFailure) {
            return carryOut(
                core.onMessage(try frames.decodeFromCoordinator(limits), now: now), now: now, payload: frames.payload)
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
        if weights?.step != lease.step { problems.append("\(lease) begins without its weights") }
        if kept[lease] == nil { problems.append("\(lease) begins without its examples") }
        tree.reset(microbatches: lease.totalMicrobatches)
        return []
    }

    private func sum(_ lease: ShardLease, _ now: Instant) -> [Output] {
        let partials = lease.nodes.compactMap { tree.take($0) }
        if partials.count != lease.nodes.count { problems.append("\(lease) is summed before it is complete") }
        let nodes = zip(lease.nodes, partials).map { node, partial in
            NodeSummary(
                node: node, examples: partial.exampleCount, active: partial.activeCount, lossSum: partial.lossSum,
                secondTermSum: partial.secondTermSum, gradient: partial.gradient.fingerprint)
        }
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
            limits.parameterCount = welcome.parameterCount
        case .keep(let lease): kept[lease] = payload
        case .keepWeights(let step): weights = (step, payload[0])
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
        case .weights(let step, let peer):
            if weights?.step != step { problems.append("a relay has no weights of step \(step)") }
            let bytes = weights?.bytes ?? []
            return down(.weights(run: run, step: step, fingerprint: fingerprint(of: bytes)), [bytes], peer)
        case .lease(let lease, let peer):
            let payload = self.payload(of: lease)
            let content = ShardContent(pixels: fingerprint(of: payload[0]), targets: fingerprint(of: payload[1]))
            return down(.shard(lease, content), payload, peer)
        case .refuse(let peer, let refusal): return down(.refuse(refusal), [], peer)
        case .ping(let peer): return down(.ping(run: run), [], peer)
        case .goodbye(let peer, let reason): return down(.goodbye(run: run, reason), [], peer)
        case .accept:
            if case .partials(let partials)? = message {
                for (summary, frame) in zip(partials.nodes, payload) { insert(summary, frame) }
            }
        case .ignore, .joined, .lost, .confirmed: break
        default: problems.append("a relay's shell is told \(action)")
        }
        return []
    }

    private func payload(of part: ShardLease) -> [[UInt8]] {
        if !kept.keys.contains(where: { $0.run == part.run && $0.step == part.step && $0.range.contains(part.range) }) {
            problems.append("\(part) lies in no lease that a relay keeps")
        }
        return [
            Array(repeating: 0, count: part.examples * part.imagesPerExample * ShardLease.bytesPerImage),
            Array(repeating: 0, count: 4 * part.examples),
        ]
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
