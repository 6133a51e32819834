// The codec: every message survives the wire, nothing else is a message, and two versions can tell each other so.

import Coordination
import TestKit
import Testing

@Suite struct MessageTests {
    @Test func everyWorkerMessageSurvivesTheWire() throws {
        for message in Samples.fromWorker {
            let sizes = try message.payloadSizes(Samples.limits)
            let marks = try message.payloadFingerprints(Samples.limits)
            #expect(try Samples.decodeFromWorker(message.header, sizes, marks: marks) == message)
        }
    }

    @Test func everyCoordinatorMessageSurvivesTheWire() throws {
        for message in Samples.fromCoordinator {
            let sizes = try message.payloadSizes(Samples.limits)
            let marks = try message.payloadFingerprints(Samples.limits)
            #expect(try Samples.decodeFromCoordinator(message.header, sizes, marks: marks) == message)
        }
    }

    @Test func everyTruncationAndEveryExtraByteIsRefused() throws {
        for message in Samples.fromWorker {
            let (header, sizes) = (message.header, try message.payloadSizes(Samples.limits))
            for length in 0..<header.count {
                let cut = Array(header.prefix(length))
                #expect(throws: DecodingFailure.self) { try Samples.decodeFromWorker(cut, sizes) }
                #expect(throws: DecodingFailure.self) { try Samples.decodeFromWorker(Samples.sealed(cut), sizes) }
            }
            #expect(throws: DecodingFailure.damaged(frame: nil)) { try Samples.decodeFromWorker(header + [0], sizes) }
            let longer = Samples.sealed(header + [0])
            #expect(throws: DecodingFailure.trailingBytes(1)) { try Samples.decodeFromWorker(longer, sizes) }
        }
    }

    @Test func everyFlippedBitIsFound() throws {
        for message in Samples.fromWorker {
            let sizes = try message.payloadSizes(Samples.limits)
            for bit in 0..<8 * message.header.count {
                var header = message.header
                header[bit / 8] ^= 1 << UInt8(bit % 8)
                // All that a flipped bit can make of a message is the hello of another version.
                guard let decoded = try? Samples.decodeFromWorker(header, sizes) else { continue }
                guard case .foreignHello = decoded else {
                    Issue.record("bit \(bit) of \(message) flipped is \(decoded)")
                    continue
                }
            }
        }
    }

    @Test func aDamagedPayloadIsFound() {
        let header = CoordinatorMessage.shard(Samples.lease, Samples.content).header
        #expect(throws: DecodingFailure.damaged(frame: 1)) {
            try Samples.decodeFromCoordinator(header, [5 * 2 * 784, 20], marks: [Samples.mark, 3])
        }
    }

    @Test func theFirstBytesAreFixedForEver() {
        let hello = WorkerMessage.hello(Samples.hello).header
        #expect(Array(hello.prefix(4)) == Array("SIAM".utf8))
        #expect(Array(hello[4..<8]) == [UInt8(BuildIdentity.currentProtocol), 0, 1, 0])
        #expect(Array(hello[8..<24]) == Array(repeating: 0, count: 16))
        #expect(Array(hello[24..<28]) == [9, 0, 0, 0])
        #expect(Array(hello[28..<60]) == Array(0..<32))
    }

    @Test func aHelloOfAnotherVersionNamesBothVersions() throws {
        var header = WorkerMessage.hello(Samples.hello).header
        header[4] = 77
        let foreign = BuildIdentity(protocolVersion: 77, numericsVersion: 9, selfTest: Samples.digest)
        #expect(try Samples.decodeFromWorker(header + [1, 2, 3], [5, 6]) == .foreignHello(foreign))
    }

    @Test func aRefusalOfAnotherVersionIsReadable() throws {
        let refusal = Refuse(code: .protocolVersion, build: Samples.build, reason: "worker speaks 1, coordinator 77")
        var header = CoordinatorMessage.refuse(refusal).header
        header[4] = 77
        guard case .refuse(let read) = try Samples.decodeFromCoordinator(header + [9], []) else {
            Issue.record("not a refusal")
            return
        }
        #expect(read.build.protocolVersion == 77 && read.reason == refusal.reason && read.code == refusal.code)
    }

    @Test func anyOtherMessageOfAnotherVersionIsRefusedWithBothVersions() {
        var header = CoordinatorMessage.ping(run: Samples.run).header
        header[4] = 77
        let own = BuildIdentity.currentProtocol
        #expect(throws: DecodingFailure.otherProtocolVersion(own: own, peer: 77)) {
            try Samples.decodeFromCoordinator(header, [])
        }
    }

    @Test func payloadFramesMustBeThoseThatTheHeaderCallsFor() {
        let header = CoordinatorMessage.shard(Samples.lease, Samples.content).header
        let right = [5 * 2 * 784, 20]
        #expect(throws: Never.self) { try Samples.decodeFromCoordinator(header, right) }
        #expect(throws: DecodingFailure.wrongPayloadCount(expected: 2, got: 1)) {
            try Samples.decodeFromCoordinator(header, Array(right.dropLast()))
        }
        #expect(throws: DecodingFailure.wrongPayloadSize(frame: 0, expected: 7840, got: 7839)) {
            try Samples.decodeFromCoordinator(header, [7839, 20])
        }
        #expect(throws: DecodingFailure.parameterCountUnknown) {
            let weights = CoordinatorMessage.weights(run: Samples.run, step: 1, fingerprint: 0).header
            _ = try Samples.decodeFromCoordinator(weights, [40], MessageLimits())
        }
    }

    @Test func limitsHold() {
        let small = MessageLimits(parameterCount: 10, maximumParameterCount: 9, maximumExamples: 8)
        let welcome = CoordinatorMessage.welcome(Welcome(run: Samples.run, parameterCount: 10, jobDescription: []))
        #expect(throws: DecodingFailure.outOfRange(field: "parameter count", value: 10, limit: 9)) {
            try Samples.decodeFromCoordinator(welcome.header, [0], small)
        }
        #expect(throws: DecodingFailure.outOfRange(field: "total microbatches", value: 9, limit: 8)) {
            try Samples.decodeFromCoordinator(
                CoordinatorMessage.shard(Samples.lease, Samples.content).header, [7840, 20], small)
        }
    }

    // MARK: Two rounds

    @Test func framesAreThoseOfTheRound() throws {
        func sizes(_ message: CoordinatorMessage) throws -> [Int] { try message.payloadSizes(Samples.limits) }
        let images = 5 * 2 * 784
        #expect(try sizes(.shard(Samples.firstRound, Samples.content)) == [images, 20])
        // Its worker has them already.
        #expect(try sizes(.shard(Samples.secondRound, Samples.content)) == [0, 20])
        #expect(try sizes(.weights(run: Samples.run, step: 8, content: Samples.secondWeights)) == [40, 408])
        let partials = Samples.fromWorker.compactMap { if case .partials(let partials) = $0 { partials } else { nil } }
        let latents = try #require(partials.first { $0.task == .embeddings })
        #expect(try WorkerMessage.partials(latents).payloadSizes(Samples.limits) == [4 * 6 * 4, 1 * 6 * 4])
    }

    @Test func leasesThatReuseWhatCannotBeThereAreRefused() {
        let wrong = [
            Samples.round(.embeddings, step: 8, lease: 15, reuses: 12),
            Samples.round(.gradients, step: 8, lease: 15, reuses: 12),
            Samples.round(.gradientsOfLatents, step: 8, lease: 15, reuses: 15),
        ]
        for lease in wrong {
            let header = CoordinatorMessage.shard(lease, Samples.content).header
            #expect(throws: DecodingFailure.inconsistent("lease 15 reuses the images of lease \(lease.reuses)")) {
                try Samples.decodeFromCoordinator(header, [0, 20])
            }
        }
    }

    @Test func anUnknownTaskIsRefused() {
        var header = CoordinatorMessage.shard(Samples.lease, Samples.content).header
        header[68] = 3
        #expect(throws: DecodingFailure.outOfRange(field: "task", value: 3, limit: 2)) {
            try Samples.decodeFromCoordinator(Samples.sealed(header), [7840, 20])
        }
    }

    @Test func gradientsOfLatentsThatAreNotThereHaveNoFingerprint() {
        var header = CoordinatorMessage.weights(run: Samples.run, step: 8, content: Samples.secondWeights).header
        for byte in 40..<44 { header[byte] = 0 }
        let reason = "a fingerprint of gradients of latent vectors that are not there"
        #expect(throws: DecodingFailure.inconsistent(reason)) {
            try Samples.decodeFromCoordinator(Samples.sealed(header), [40])
        }
    }

    @Test func latentVectorsBeforeTheWelcomeAreRefused() throws {
        let message = try #require(
            Samples.fromWorker.first { if case .partials(let p) = $0 { p.task == .embeddings } else { false } })
        #expect(throws: DecodingFailure.parameterCountUnknown) {
            try Samples.decodeFromWorker(message.header, [96, 24], MessageLimits(parameterCount: 10))
        }
    }

    @Test func theFingerprintOfTheWeightsOfARoundTellsAllOfIt() {
        func mark(_ weights: UInt64, _ count: Int, _ gradient: UInt64) -> UInt64 {
            WeightsContent(weights: weights, latentGradients: count, latentGradient: gradient).fingerprint
        }
        #expect(mark(5, 0, 9) == 5)
        #expect(
            Set([mark(5, 0, 0), mark(5, 8, 9), mark(5, 8, 10), mark(6, 8, 9), mark(5, 9, 9), mark(9, 8, 5)]).count == 6)
    }

    @Test func textIsCutAtACharacterAndCleanedOfControls() {
        let name = String(repeating: "é", count: 40) + "x"
        #expect(Samples.hello(named: name).processName == String(repeating: "é", count: 32))
        #expect(Samples.hello(named: "a\u{1b}[31m\nb").processName == "a [31m b")
    }

    @Test func aWrongDirectionIsNoMessage() {
        #expect(throws: DecodingFailure.unknownKind(0x84)) {
            try Samples.decodeFromWorker(CoordinatorMessage.ping(run: Samples.run).header, [])
        }
        #expect(throws: DecodingFailure.unknownKind(1)) {
            try Samples.decodeFromCoordinator(WorkerMessage.hello(Samples.hello).header, [])
        }
    }
}
