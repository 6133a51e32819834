// One valid message of every kind, for the tests of the codec and for the fuzzer.

package import Coordination

package enum Samples {
    package static let run = RunID(high: 0x0102_0304_0506_0708, low: 0x1112_1314_1516_1718)
    package static let limits = MessageLimits(parameterCount: 10, latentCount: 6, maximumExamples: 1000)
    package static let digest = SelfTestDigest(bytes: Array(0..<32)) ?? SelfTestDigest(words: .zero)
    package static let build = BuildIdentity(numericsVersion: 9, selfTest: digest)
    package static let hello = hello(named: "node7/worker-3 ✓")
    package static let lease = ShardLease(
        run: run, step: 1 << 40, shard: 2, lease: 99, range: MicrobatchRange(first: 6, count: 3),
        extent: StepExtent(examples: 17, examplesPerMicrobatch: 2), imagesPerExample: 2)

    /// The same shard in the two rounds of a step.
    package static let firstRound = round(.embeddings, step: 7, lease: 12, reuses: 0)
    package static let secondRound = round(.gradientsOfLatents, step: 8, lease: 15, reuses: 12)

    package static func round(_ task: ShardTask, step: UInt64, lease: UInt64, reuses: UInt64) -> ShardLease {
        ShardLease(
            run: run, step: step, shard: 2, lease: lease, range: MicrobatchRange(first: 6, count: 3),
            extent: StepExtent(examples: 17, examplesPerMicrobatch: 2), imagesPerExample: 2, task: task, reuses: reuses)
    }

    /// The weights of a second round.
    package static let secondWeights = WeightsContent(weights: mark, latentGradients: 102, latentGradient: mark)

    /// The fingerprint that every payload frame is said to have.
    package static let mark: UInt64 = 0x0123_4567_89ab_cdef
    package static let content = ShardContent(pixels: mark, targets: mark)

    package static func hello(named name: String) -> Hello {
        Hello(build: build, incarnation: .max - 5, threads: 4, processID: 4242, processName: name)
    }

    package static let times = WorkTimes(
        idle: Instant(nanoseconds: 1), ready: Instant(nanoseconds: 2), began: Instant(nanoseconds: 3),
        ended: Instant(nanoseconds: .max))

    package static let fromWorker: [WorkerMessage] = [
        .hello(hello),
        .partials(
            Partials(
                answering: lease, times: times, weights: 0xfeed,
                nodes: [
                    NodeSummary(
                        node: MicrobatchRange(first: 6, count: 2), examples: 4, active: 3, lossSum: -0.25,
                        secondTermSum: 1.5, gradient: mark),
                    NodeSummary(
                        node: MicrobatchRange(first: 8, count: 1), examples: 1, active: 0, lossSum: .nan,
                        secondTermSum: .infinity, gradient: mark),
                ])),
        .partials(
            Partials(
                answering: firstRound, times: times, weights: 0xfeed,
                nodes: [
                    NodeSummary(
                        node: MicrobatchRange(first: 6, count: 2), examples: 4, active: 0, lossSum: 0, gradient: mark),
                    NodeSummary(
                        node: MicrobatchRange(first: 8, count: 1), examples: 1, active: 0, lossSum: 0, gradient: mark),
                ])),
        .progress(Progress(run: run, step: 3, lease: 4, microbatchesDone: 5)),
        .failure(Failure(answering: lease, reason: "out of memory")),
        .goodbye(run: run, reason: "SIGTERM"),
        .statusRequest,
    ]

    package static let fromCoordinator: [CoordinatorMessage] = [
        .welcome(Welcome(run: run, parameterCount: 35_729, latentCount: 6, jobDescription: [7, 7, 7])),
        .refuse(Refuse(code: .selfTest, build: build, reason: "different arithmetic")),
        .shard(lease, content), .weights(run: run, step: 1 << 40, fingerprint: mark),
        .shard(firstRound, content), .shard(secondRound, content),
        .weights(run: run, step: 8, content: secondWeights),
        .latentGradients(run: run, step: 8, content: secondWeights),
        .ping(run: run),
        .goodbye(run: run, .finished), .goodbye(run: run, .stopped), .goodbye(run: run, .evicted),
        .statusReport(StatusReport(run: run, document: Array("{}".utf8))),
    ]

    package static func decodeFromWorker(
        _ header: [UInt8], _ sizes: [Int], _ limits: MessageLimits = limits, marks: [UInt64] = []
    ) throws -> WorkerMessage {
        try header.withUnsafeBytes {
            try WorkerMessage.decode(header: $0, payloadSizes: sizes, limits: limits) {
                $0 < marks.count ? marks[$0] : mark
            }
        }
    }

    package static func decodeFromCoordinator(
        _ header: [UInt8], _ sizes: [Int], _ limits: MessageLimits = limits, marks: [UInt64] = []
    ) throws -> CoordinatorMessage {
        try header.withUnsafeBytes {
            try CoordinatorMessage.decode(header: $0, payloadSizes: sizes, limits: limits) {
                $0 < marks.count ? marks[$0] : mark
            }
        }
    }

    /// The header with the seal that its bytes call for, so that a change gets past it.
    package static func sealed(_ header: [UInt8]) -> [UInt8] {
        let body = Array(header.dropLast(8))
        return body + withUnsafeBytes(of: fingerprint(of: body).littleEndian) { Array($0) }
    }
}
