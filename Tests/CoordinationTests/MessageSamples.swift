// One valid message of every kind, for the codec's tests.

import Coordination

enum Samples {
    static let run = RunID(high: 0x0102_0304_0506_0708, low: 0x1112_1314_1516_1718)
    static let limits = MessageLimits(parameterCount: 10, maximumExamples: 1000)
    static let digest = SelfTestDigest(bytes: Array(0..<32)) ?? SelfTestDigest(words: .zero)
    static let build = BuildIdentity(numericsVersion: 9, selfTest: digest)
    static let hello = hello(named: "node7/worker-3 ✓")
    static let lease = ShardLease(
        run: run, step: 1 << 40, shard: 2, lease: 99, range: MicrobatchRange(first: 6, count: 3),
        extent: StepExtent(examples: 17, examplesPerMicrobatch: 2), imagesPerExample: 2)

    static func hello(named name: String) -> Hello {
        Hello(build: build, incarnation: .max - 5, threads: 4, processID: 4242, processName: name)
    }

    static let times = WorkTimes(
        idle: Instant(nanoseconds: 1), ready: Instant(nanoseconds: 2), began: Instant(nanoseconds: 3),
        ended: Instant(nanoseconds: .max))

    static let fromWorker: [WorkerMessage] = [
        .hello(hello),
        .partials(
            Partials(
                answering: lease, times: times,
                nodes: [
                    NodeSummary(node: MicrobatchRange(first: 6, count: 2), examples: 4, active: 3, lossSum: -0.25),
                    NodeSummary(node: MicrobatchRange(first: 8, count: 1), examples: 1, active: 0, lossSum: .nan),
                ])),
        .progress(Progress(run: run, step: 3, lease: 4, microbatchesDone: 5)),
        .failure(Failure(answering: lease, reason: "out of memory")),
        .goodbye(run: run, reason: "SIGTERM"),
    ]

    static let fromCoordinator: [CoordinatorMessage] = [
        .welcome(Welcome(run: run, parameterCount: 35_729, jobDescriptionBytes: 512)),
        .refuse(Refuse(code: .selfTest, build: build, reason: "different arithmetic")),
        .shard(lease), .weights(run: run, step: 1 << 40),
        .ping(run: run),
        .goodbye(run: run, .finished), .goodbye(run: run, .stopped), .goodbye(run: run, .evicted),
    ]

    static func decodeFromWorker(
        _ header: [UInt8], _ sizes: [Int], _ limits: MessageLimits = limits
    ) throws -> WorkerMessage {
        try header.withUnsafeBytes { try WorkerMessage.decode(header: $0, payloadSizes: sizes, limits: limits) }
    }

    static func decodeFromCoordinator(
        _ header: [UInt8], _ sizes: [Int], _ limits: MessageLimits = limits
    ) throws -> CoordinatorMessage {
        try header.withUnsafeBytes { try CoordinatorMessage.decode(header: $0, payloadSizes: sizes, limits: limits) }
    }
}
