// The coordinator's core under a script of messages, right, wrong and damaged, of time and of broken links. An input is the
// script: an operation and a peer in every first byte, its arguments behind it. The shell around the core is played faithfully: what a
// shell never does is no fault of the core.
import Coordination
import TestKit

extension FuzzTarget {
    static let coordinatorCore = FuzzTarget(name: "coordinator-core", samples: CoordinatorPlay.samples) {
        input, meter in
        // Bytes of a script make actions and answers of at most some kilobytes each that nobody keeps; what grows is the core.
        try meter.hold(atMost: 262_144 + 64 * input.count) {
            // A bit that no operation looks at.
            var play = CoordinatorPlay(isTwoRounds: input.first.map { $0 >= 128 } ?? false)
            try play.perform(Script(input))
            return play.stepsDone > 0
        }
    }
}

/// One coordinator, four peers, and the oracle: every microbatch of a step is summed once.
private struct CoordinatorPlay {
    enum Operation: UInt8, CaseIterable {
        case hello, answer, wrongAnswer, failure, damagedAnswer, idle, busy, time, rawHeader, doubt, unreachable,
            malformed
        case prepare, revoke, goodbye, special
    }

    static let weights: UInt64 = 77
    static let extent = StepExtent(examples: 21, examplesPerMicrobatch: 2)

    let isTwoRounds: Bool
    private var core = Self.newCore(epoch: 1)
    private var now = Instant(nanoseconds: 1 << 40)
    /// As the protocol counts: each round is one.
    private var step: UInt64 = 0
    /// The leases of first rounds whose second is still to come, and who was given them.
    private var first: [UInt64: (lease: ShardLease, worker: WorkerIdentity?)] = [:]
    /// The round whose weights each peer was sent last, in this life.
    private var weightsSent: [PeerID: UInt64] = [:]
    private var held: [(lease: ShardLease, peer: PeerID)] = []
    private var summed: [MicrobatchRange] = []
    private var isComplete = false
    private var isPrepared = false
    private var isNextSumFinite = true
    private(set) var stepsDone = 0

    init(isTwoRounds: Bool) { self.isTwoRounds = isTwoRounds }

    private func task(_ step: UInt64) -> ShardTask {
        !isTwoRounds ? .gradients : step % 2 == 1 ? .embeddings : .gradientsOfLatents
    }

    /// Where the training step of this one begins.
    private func firstRound(_ step: UInt64) -> UInt64 { isTwoRounds ? 2 * ((step + 1) / 2) - 1 : step }

    private static func newCore(epoch: UInt64, ledger: Ledger = Ledger(), now: Instant = Instant(nanoseconds: 1 << 40))
        -> CoordinatorCore
    {
        var configuration = CoordinatorConfiguration(
            run: RunID(high: 1, low: epoch), build: Samples.build, imagesPerExample: 2)
        configuration.audit = AuditPlan(fraction: 0.3, seed: epoch)
        configuration.maximumWorkers = 3
        return CoordinatorCore(configuration: configuration, ledger: ledger, now: now)
    }

    mutating func perform(_ script: Script) throws {
        var script = script
        try begin()
        while let first = script.byte() {
            let operation = Operation(rawValue: first & 15) ?? .time
            try perform(operation, PeerID(rawValue: UInt64(first >> 4 & 3)), &script)
            try require(core.workers.count <= 3, "\(core.workers.count) workers where three are allowed")
            try require(Set(core.workers.map(\.peer)).count == core.workers.count, "one peer is two workers")
            try require((core.nextDeadline == nil) == core.workers.isEmpty, "the core forgets its workers' deadlines")
            if isComplete { try conclude() }
        }
    }

    private mutating func perform(_ operation: Operation, _ peer: PeerID, _ script: inout Script) throws {
        switch operation {
        case .hello: try receive(hello(script.byte() ?? 0), from: peer)
        case .answer, .wrongAnswer:
            guard let index = pick(script.byte()) else { return }
            let bits = operation == .answer ? 0 : UInt64(script.byte() ?? 1)
            try receive(.partials(answer(held[index].lease, bits: bits)), from: held.remove(at: index).peer)
        case .failure:
            guard let index = pick(script.byte()) else { return }
            let (lease, holder) = held.remove(at: index)
            try receive(.failure(Failure(answering: lease, reason: "told to")), from: holder)
        case .damagedAnswer:
            guard let index = pick(script.byte()) else { return }
            var header = WorkerMessage.partials(answer(held[index].lease, bits: 0)).header
            header[Int(script.byte() ?? 0) % header.count] ^= script.byte() ?? 1
            try receive(Samples.sealed(header), payloads: held[index].lease.nodes.count, from: held[index].peer)
        case .idle: try receive(.progress(Progress(run: core.run, step: 0, lease: 0, microbatchesDone: 0)), from: peer)
        case .busy:
            let lease = UInt64(script.byte() ?? 0)
            try receive(
                .progress(Progress(run: core.run, step: step, lease: lease, microbatchesDone: .max)), from: peer)
        case .time:
            now = now + Duration(nanoseconds: 1 << UInt64((script.byte() ?? 0) & 63))
            if core.nextDeadline.map({ $0 <= now }) == true { try carryOut(core.onDeadline(now: now)) }
        case .rawHeader:
            let header = script.bytes(Int(script.byte() ?? 0))
            try receive(
                header.count > 8 ? Samples.sealed(header) : header, payloads: Int(script.byte() ?? 0) % 64, from: peer)
        case .doubt: try carryOut(core.onLinkDoubt(peer, now: now))
        case .unreachable: try carryOut(core.onUnreachable(peer, now: now))
        case .malformed:
            let failure: DecodingFailure = script.byte() == 0 ? .damaged(frame: nil) : .trailingBytes(3)
            try carryOut(core.onMalformed(failure, from: peer, now: now))
        case .prepare:
            guard !isPrepared else { return }
            isPrepared = true
            try carryOut(core.prepareStep(step + 1, extent: Self.extent, task: task(step + 1), now: now))
        case .revoke: try carryOut(core.onRevoked(peer, keyName: "k", now: now))
        case .goodbye: try receive(.goodbye(run: core.run, reason: "told to"), from: peer)
        case .special: try performSpecial(script.byte() ?? 0, peer)
        }
    }

    private mutating func performSpecial(_ which: UInt8, _ peer: PeerID) throws {
        switch which % 4 {
        case 0: isNextSumFinite = false
        case 1:
            let foreign = BuildIdentity(protocolVersion: 2, numericsVersion: 1, selfTest: Samples.digest)
            try receive(.foreignHello(foreign), from: peer)
        case 2:
            try receive(
                .partials(Partials(answering: Samples.lease, times: Samples.times, weights: 0, nodes: [])), from: peer)
        default:
            try carryOut(core.stop(.stopped, now: now))
            try require(core.workers.isEmpty, "workers of a run that has stopped")
            try restart()
        }
    }

    // MARK: The shell

    private mutating func begin(_ number: UInt64? = nil) throws {
        step = number ?? step + 1
        (summed, isComplete, isPrepared) = ([], false, false)
        first = first.filter { $0.value.lease.step + 1 >= step }
        // The last of every eight: all of its shards are audited.
        try carryOut(
            core.beginStep(
                step, extent: Self.extent, task: task(step), weights: Self.weights, isLast: step % 8 == 0, now: now))
    }

    private mutating func conclude() throws {
        if !isNextSumFinite {
            isNextSumFinite = true
            isComplete = false
            guard try carryOut(core.onNonFinite(now: now)) else { return }
            return try restart()
        }
        stepsDone += 1
        try begin()
    }

    /// The coordinator ends, and another one begins where it was.
    private mutating func restart() throws {
        weightsSent = [:]
        core = Self.newCore(epoch: core.run.low + 1, ledger: core.ledger, now: now)
        (held, first) = ([], [:])
        try begin(firstRound(step))
    }

    /// As the shell does. False if the actions ended in another step.
    @discardableResult
    private mutating func carryOut(_ actions: [CoordinatorAction]) throws -> Bool {
        for action in actions {
            switch action {
            case .lease(let lease, let peer):
                try note(lease, of: peer)
                held.append((lease, peer))
                if held.count > 64 { held.removeFirst() }
            case .accept(let lease): try accept(lease)
            case .stepComplete(let number):
                try require(number == step, "step \(number) is complete in step \(step)")
                try require(summed.reduce(0) { $0 + $1.count } == Self.extent.microbatches, "a gap: \(summed)")
                isComplete = true
            case .arbitrate(let lease):
                guard try carryOut(core.onArbitration(lease, nodes: sums(lease, bits: 0), now: now)) else {
                    return false
                }
            case .goBack(let before):
                try require((1...step).contains(before), "back to before step \(before) in step \(step)")
                (held, first) = ([], [:])
                try begin(firstRound(before))
                return false
            case .noMajority, .shardFailed:
                try restart()
                return false
            case .joined(let worker): weightsSent[worker.peer] = nil
            case .weights(let round, let peer): weightsSent[peer] = round
            case .latentGradients(let round, let peer):
                try require(
                    weightsSent[peer] == round - 1, "\(peer) has no weights of the first round of round \(round)")
                weightsSent[peer] = round
            case .diverged, .welcome, .refuse, .confirmed, .quarantined, .ignore, .ping, .goodbye,
                .lost,
                .noWorkers, .workersBack, .report, .forget:
                break
            }
        }
        return true
    }

    /// A worker must have the images that it is not sent.
    private mutating func note(_ lease: ShardLease, of peer: PeerID) throws {
        try require(lease.task == task(lease.step), "\(lease.task) in round \(lease.step)")
        let worker = core.workers.first { $0.peer == peer }
        if lease.task == .embeddings, first.count < 64 { first[lease.lease] = (lease, worker) }
        guard lease.reuses != 0, first.count < 64 else { return }
        guard let reused = first[lease.reuses] else { throw Finding("\(lease) reuses lease \(lease.reuses)") }
        try require(
            reused.lease.range == lease.range && reused.lease.step + 1 == lease.step && reused.worker == worker,
            "\(lease) of \(peer) reuses \(reused)")
    }

    private mutating func accept(_ lease: ShardLease) throws {
        try require(lease.step == step && lease.run == core.run, "an answer of step \(lease.step) in step \(step)")
        try require(!summed.contains { $0.overlaps(lease.range) }, "microbatches \(lease.range) are summed twice")
        summed.append(lease.range)
    }

    // MARK: Messages

    private mutating func receive(_ message: WorkerMessage, from peer: PeerID) throws {
        try carryOut(core.onMessage(message, from: peer, credential: peer.rawValue == 0 ? "k" : nil, now: now))
    }

    private mutating func receive(_ header: [UInt8], payloads: Int, from peer: PeerID) throws {
        let sizes = [Int](repeating: 40, count: payloads)
        do {
            let message = try header.withUnsafeBytes {
                try WorkerMessage.decode(header: $0, payloadSizes: sizes, limits: Samples.limits) { _ in 0 }
            }
            try receive(message, from: peer)
        } catch let failure as DecodingFailure {
            try carryOut(core.onMalformed(failure, from: peer, now: now))
        }
    }

    private func pick(_ byte: UInt8?) -> Int? { held.isEmpty ? nil : Int(byte ?? 0) % held.count }

    private func hello(_ byte: UInt8) -> WorkerMessage {
        let build = byte >= 250 ? BuildIdentity(numericsVersion: 8, selfTest: Samples.digest) : Samples.build
        return .hello(
            Hello(build: build, incarnation: UInt64(byte) << 14, threads: 1, processID: UInt32(byte), processName: "w"))
    }

    private func answer(_ lease: ShardLease, bits: UInt64) -> Partials {
        let times = WorkTimes(idle: now, ready: now, began: now, ended: now + .milliseconds(bits))
        return Partials(answering: lease, times: times, weights: Self.weights, nodes: sums(lease, bits: bits))
    }

    private func sums(_ lease: ShardLease, bits: UInt64) -> [NodeSummary] {
        lease.nodes.map {
            NodeSummary(
                node: $0, examples: UInt32(Self.extent.examples(in: $0)), active: 1, lossSum: 0.5, gradient: bits)
        }
    }

    /// Two workers and some steps; audits and disputes; everything once.
    static let samples: [[UInt8]] = [
        [0x00, 1, 0x10, 9] + Array(repeating: [0x01, 0], count: 24).flatMap { $0 },
        [0x00, 1, 0x10, 9, 0x20, 17, 0x0c]
            + Array(repeating: [0x01, 1, 0x02, 0, 3, 0x07, 30], count: 8).flatMap { $0 },
        [0x00, 1, 0x0f, 0, 0x01, 0, 0x01, 0, 0x01, 0, 0x01, 0],
        Operation.allCases.flatMap { [$0.rawValue, 1, 2] },
        // Two rounds, prepared and not.
        [0x80, 1, 0x10, 9] + Array(repeating: [0x01, 0, 0x0c, 0x01, 1, 0x01, 0], count: 12).flatMap { $0 },
        [0x00, 1, 0x04, 0, 90, 1, 0x08, 60]
            + WorkerMessage.progress(
                Progress(run: RunID(high: 1, low: 1), step: 1, lease: 0, microbatchesDone: 0)
            ).header,
    ]
}
