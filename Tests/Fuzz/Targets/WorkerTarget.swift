// The worker's core under a script of messages, right, wrong and damaged, of time and of computations that end. An input is the script:
// an operation in the low half of every first byte, its arguments behind it.
import Coordination
import TestKit

extension FuzzTarget {
    static let workerCore = FuzzTarget(name: "worker-core", samples: WorkerPlay.samples) { input, meter in
        try meter.hold(atMost: 262_144 + 64 * input.count) {
            var play = WorkerPlay()
            try play.perform(Script(input))
            return play.computed > 0
        }
    }
}

/// One worker, and the oracle: it computes nothing but what it was told to keep, at the weights of that step and run, one at a time;
/// what it says can be decoded.
private struct WorkerPlay {
    enum Operation: UInt8, CaseIterable {
        case welcome, shard, damagedShard, weights, ping, goodbye, refuse, time, rawHeader, computed, failed, linkUp,
            deadline
        case progress, stop, otherWeights
    }

    /// Payload frames of so many leases may lie in a worker: two of a step, four in all.
    static let keptLimit = 4

    private var core = Self.newCore(Instant(nanoseconds: 1 << 40))
    private var now = Instant(nanoseconds: 1 << 40)
    private var hasStarted = false
    private var kept: Set<ShardLease> = []
    private var weights: (run: RunID, step: UInt64)?
    private var computing: ShardLease?
    private(set) var computed = 0

    private static func newCore(_ now: Instant) -> WorkerCore {
        let configuration = WorkerConfiguration(
            build: Samples.build, incarnation: 70, threads: 1, processID: 5, processName: "w")
        return WorkerCore(configuration: configuration, now: now)
    }

    mutating func perform(_ script: Script) throws {
        var script = script
        try carryOut(core.onStart(now: now), nil)
        while let first = script.byte() {
            try perform(Operation(rawValue: first & 15) ?? .time, argument: first >> 4, &script)
            try require(
                kept.count <= Self.keptLimit, "\(kept.count) shards are kept, at most \(Self.keptLimit) are allowed")
        }
    }

    private mutating func perform(_ operation: Operation, argument: UInt8, _ script: inout Script) throws {
        let run = RunID(high: UInt64(argument >> 3), low: UInt64(argument & 7))
        switch operation {
        case .welcome: try receive(.welcome(Welcome(run: run, parameterCount: 10, jobDescription: [])))
        case .shard: try receive(.shard(shard(run, &script), Samples.content))
        case .damagedShard:
            var header = CoordinatorMessage.shard(shard(run, &script), Samples.content).header
            header[Int(script.byte() ?? 0) % header.count] ^= script.byte() ?? 1
            try receive(Samples.sealed(header))
        case .weights:
            try receive(.weights(run: run, step: UInt64(script.byte() ?? 0), fingerprint: Samples.mark))
        case .otherWeights:
            let byte = script.byte() ?? 0
            let (step, content) = (UInt64(byte / 2), Samples.secondWeights)
            try receive(
                byte % 2 == 0
                    ? .weights(run: run, step: step, content: content)
                    : .latentGradients(run: run, step: step, content: content))
        case .ping: try receive(.ping(run: run))
        case .goodbye:
            let reason = GoodbyeReason(rawValue: UInt16(script.byte() ?? 3)) ?? .evicted
            try receive(.goodbye(run: run, reason))
        case .refuse: try receive(.refuse(Refuse(code: .full, build: Samples.build, reason: "told to")))
        case .time:
            now = now + Duration(nanoseconds: 1 << UInt64((script.byte() ?? 0) & 63))
            if core.nextDeadline.map({ $0 <= now }) == true { try carryOut(core.onDeadline(now: now), nil) }
        case .rawHeader:
            let header = script.bytes(Int(script.byte() ?? 0))
            try receive(header.count > 8 ? Samples.sealed(header) : header)
        case .computed: try endComputation(failing: false)
        case .failed: try endComputation(failing: true)
        case .linkUp: try carryOut(core.onLinkUp(now: now), nil)
        case .deadline: try carryOut(core.onDeadline(now: now), nil)
        case .progress:
            guard let computing else { return }
            try carryOut(core.onProgress(lease: computing.lease, microbatchesDone: .max, now: now), nil)
        case .stop: try carryOut(core.onStop(reason: "told to", now: now), nil)
        }
    }

    private mutating func endComputation(failing: Bool) throws {
        guard let lease = computing else { return }
        computing = nil
        computed += 1
        if failing { return try carryOut(core.onFailed(reason: "told to", now: now), nil) }
        let nodes = lease.nodes.map {
            NodeSummary(node: $0, examples: UInt32($0.count), active: 0, lossSum: 0, gradient: Samples.mark)
        }
        try carryOut(core.onComputed(nodes: nodes, weights: Samples.mark, now: now), nil)
    }

    // MARK: The shell

    private mutating func carryOut(_ actions: [WorkerAction], _ message: CoordinatorMessage?) throws {
        for action in actions {
            switch action {
            case .send(let message): try requireDecodable(message)
            case .keep(let lease): try require(kept.insert(lease).inserted, "\(lease) is kept twice")
            case .keepWeights(let step):
                switch message {
                case .weights(let run, step, _)?, .latentGradients(let run, step, _)?: weights = (run, step)
                default: throw Finding("weights of step \(step) from nowhere")
                }
            case .compute(let lease): try compute(lease)
            case .drop(let lease): try require(kept.remove(lease) != nil, "\(lease) is dropped and was never kept")
            case .finish:
                try require(kept.isEmpty, "a worker that ends with shards in its hands: \(kept)")
                try startAnew()
                return
            case .prepare, .ignore: break
            }
        }
    }

    private mutating func startAnew() throws {
        core = Self.newCore(now)
        (kept, weights, computing) = ([], nil, nil)
        try carryOut(core.onStart(now: now), nil)
    }

    private mutating func compute(_ lease: ShardLease) throws {
        try require(computing == nil, "two computations at once")
        try require(kept.remove(lease) != nil, "\(lease) is computed and was never kept")
        try require(core.run == lease.run, "\(lease) is not of the run we work for")
        try require(weights.map { $0 == (lease.run, lease.step) } == true, "\(lease) is computed at other weights")
        try require(
            !lease.nodes.isEmpty && lease.nodes.count <= MessageLimits.maximumNodes, "\(lease.nodes.count) nodes")
        computing = lease
    }

    private func requireDecodable(_ message: WorkerMessage) throws {
        let sizes = try message.payloadSizes(Samples.limits)
        let decoded = try message.header.withUnsafeBytes {
            try WorkerMessage.decode(header: $0, payloadSizes: sizes, limits: Samples.limits) { _ in Samples.mark }
        }
        try require(decoded == message, "\(message) is read as \(decoded)")
    }

    // MARK: Messages

    private mutating func receive(_ message: CoordinatorMessage) throws {
        try carryOut(core.onMessage(message, now: now), message)
    }

    private mutating func receive(_ header: [UInt8]) throws {
        // Sizes as the header calls for: those that do not fit are the decoders' target.
        let sizes: [Int]
        if header.count >= 68, header[6] == 0x83 {
            var script = Script(Array(header[60..<68]))
            let (examples, images) = (Int(script.integer(UInt32.self)), Int(script.integer(UInt32.self)))
            let isReused = header.count >= 78 && header[70..<78].contains { $0 != 0 }
            sizes = [isReused ? 0 : examples &* images &* ShardLease.bytesPerImage, 4 * examples]
        } else if header.count >= 44, header[6] == 0x86 {
            var script = Script(Array(header[40..<44]))
            let latents = Int(script.integer(UInt32.self))
            sizes = [40] + (latents > 0 ? [4 * latents] : [])
        } else {
            sizes = []
        }
        let message = try? header.withUnsafeBytes {
            try CoordinatorMessage.decode(header: $0, payloadSizes: sizes, limits: Samples.limits) { _ in Samples.mark }
        }
        if let message { try receive(message) }
    }

    private func shard(_ run: RunID, _ script: inout Script) -> ShardLease {
        let (step, lease) = (UInt64(script.byte() ?? 0), UInt64(script.byte() ?? 0) + 1)
        let byte = script.byte() ?? 0
        let first = Int(byte & 63) % 11
        let task: ShardTask = [.gradients, .gradients, .embeddings, .gradientsOfLatents][Int(byte >> 6)]
        return ShardLease(
            run: run, step: step, shard: 0, lease: lease, range: MicrobatchRange(first: first, count: 11 - first),
            extent: StepExtent(examples: 21, examplesPerMicrobatch: 2), imagesPerExample: 2, task: task,
            reuses: task == .gradientsOfLatents ? lease - 1 : 0)
    }

    /// Two steps; the next step's shard ahead of its weights; another epoch; everything once.
    static let samples: [[UInt8]] = [
        [0x10, 0x11, 1, 1, 0, 0x13, 1, 0x09, 0x11, 2, 2, 0, 0x13, 2, 0x09],
        [0x10, 0x11, 1, 1, 0, 0x13, 1, 0x11, 2, 2, 3, 0x11, 2, 3, 0, 0x07, 30, 0x09, 0x13, 2, 0x09, 0x09],
        [0x10, 0x11, 1, 1, 0, 0x13, 1, 0x20, 0x21, 1, 1, 0, 0x23, 1, 0x0a, 0x09, 0x07, 36],
        Operation.allCases.flatMap { [$0.rawValue | 0x10, 1, 2, 3] },
        // Two rounds.
        [0x10, 0x11, 1, 1, 0x80, 0x13, 1, 0x11, 2, 2, 0xc0, 0x09, 0x1f, 2, 0x09],
        [0x10, 0x12, 1, 1, 0, 40, 1, 0x08, 40]
            + CoordinatorMessage.weights(run: RunID(high: 0, low: 1), step: 1, fingerprint: Samples.mark).header,
    ]
}
