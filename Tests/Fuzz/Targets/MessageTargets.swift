// The two decoders of messages. An input is what comes with a message from a socket: how many payload frames (one byte), the size
// of each (32 bits), the header. Fingerprints of payload frames are taken to be `Samples.mark`.
import Coordination
import TestKit

extension FuzzTarget {
    static let workerMessage = FuzzTarget(
        name: "worker-message",
        samples: (Samples.fromWorker + [.partials(manyNodes)]).map {
            input($0.header, try? $0.payloadSizes(Samples.limits))
        },
        repair: sealed
    ) { input, meter in
        try check(input, &meter, WorkerMessage.decode) { message, header in
            if case .foreignHello = message { return }
            try require(message.header == header, "two headers mean \(message)")
        }
    }

    static let coordinatorMessage = FuzzTarget(
        name: "coordinator-message",
        samples: Samples.fromCoordinator.map { input($0.header, try? $0.payloadSizes(Samples.limits)) },
        repair: sealed
    ) { input, meter in
        try check(input, &meter, CoordinatorMessage.decode) { message, header in
            // Its layout is fixed for ever, its seal and what may follow it are not.
            if case .refuse = message { return }
            try require(message.header == header, "two headers mean \(message)")
        }
    }

    /// What decoding any message may hold: the fields of the largest header, as an array that doubles while it grows.
    private static let memoryLimit = 8 * MessageLimits.maximumHeaderBytes

    private typealias Decoder<Message> = (
        _ header: UnsafeRawBufferPointer, _ payloadSizes: [Int], _ limits: MessageLimits, _ fingerprint: (Int) -> UInt64
    ) throws(DecodingFailure) -> Message

    private static func check<Message>(
        _ input: [UInt8], _ meter: inout Meter, _ decode: Decoder<Message>, _ accept: (Message, [UInt8]) throws -> Void
    ) throws -> Bool {
        let (sizes, header) = parts(input)
        do {
            let message = try meter.hold(atMost: memoryLimit) {
                try header.withUnsafeBytes { try decode($0, sizes, Samples.limits) { _ in Samples.mark } }
            }
            try accept(message, header)
            return true
        } catch let failure as DecodingFailure {
            try requireSentence(failure, atMost: 2 * MessageLimits.maximumReasonBytes)
            return false
        }
    }

    private static func parts(_ input: [UInt8]) -> (sizes: [Int], header: [UInt8]) {
        var script = Script(input)
        let count = Int(script.byte() ?? 0) % 64
        let sizes = (0..<count).map { _ in Int(script.integer(UInt32.self)) }
        return (sizes, Array(script.rest))
    }

    private static func input(_ header: [UInt8], _ sizes: [Int]?) -> [UInt8] {
        let sizes = sizes ?? []
        return [UInt8(sizes.count)] + sizes.flatMap { UInt32($0).bytes } + header
    }

    private static let sealed: @Sendable ([UInt8]) -> [UInt8] = { bytes in
        let (sizes, header) = parts(bytes)
        return header.count > 8 ? input(Samples.sealed(header), sizes) : bytes
    }

    /// As large as an answer can be.
    private static let manyNodes = Partials(
        answering: Samples.lease, times: Samples.times, weights: 1,
        nodes: (0..<MessageLimits.maximumNodes).map {
            NodeSummary(
                node: MicrobatchRange(first: $0, count: 1), examples: 2, active: 1, lossSum: 0.5, secondTermSum: 0.25,
                gradient: Samples.mark)
        })
}
