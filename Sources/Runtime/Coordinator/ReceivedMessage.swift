// A message as it came over a socket, understood: the same for the coordinator, a relay and a worker.
internal import Coordination
internal import Messaging

/// What a header says, and the payload frames that came with it, which have the sizes and fingerprints that it names.
struct ReceivedMessage<Content> {
    typealias Decode =
        (UnsafeRawBufferPointer, [Int], MessageLimits, (Int) -> UInt64) throws(DecodingFailure) -> Content

    let content: Content
    let payload: [Frame]

    /// - Parameter decode: `WorkerMessage.decode` or `CoordinatorMessage.decode`
    init(_ message: Message, limits: MessageLimits, _ decode: Decode) throws(DecodingFailure) {
        guard case .frames(let frames) = message, let header = frames.first else {
            throw .inconsistent("a message with too many frames or none")
        }
        let payload = Array(frames.dropFirst())
        content = try header.withUnsafeBytes { (bytes) throws(DecodingFailure) in
            try decode(bytes, payload.map(\.count), limits) { payload[$0].fingerprint }
        }
        self.payload = payload
    }
}

extension ReceivedMessage where Content == WorkerMessage {
    /// If it is a worker's answer to a lease.
    var answer: Answer? {
        if case .partials(let partials) = content { Answer(partials: partials, payload: payload) } else { nil }
    }
}
