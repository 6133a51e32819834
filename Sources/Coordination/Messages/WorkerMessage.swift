// Everything a worker, or who only asks how a run stands, can say to a coordinator, its one encoder and its one decoder.

/// A message to a coordinator.
package enum WorkerMessage: Equatable, Sendable {
    case hello(Hello)
    /// A hello in another protocol version: enough of it to say both versions.
    case foreignHello(BuildIdentity)
    case partials(Partials)
    case progress(Progress)
    case failure(Failure)
    /// "I am leaving; do not wait for me."
    case goodbye(run: RunID, reason: String)
    /// "How does the run stand, and how are its workers?" From anybody who may connect, worker or not.
    case statusRequest

    /// The header frame. A foreign hello is only ever received.
    package var header: [UInt8] {
        switch self {
        case .hello(let hello): return hello.encoded()
        case .foreignHello(let build):
            preconditionFailure("nobody says hello in a protocol version that is not its own: \(build)")
        case .partials(let partials): return partials.encoded()
        case .progress(let progress): return progress.encoded()
        case .failure(let failure): return failure.encoded()
        case .goodbye(let run, let reason):
            var writer = HeaderWriter(.workerGoodbye, run: run)
            writer.text(reason, limit: MessageLimits.maximumReasonBytes)
            return writer.sealed()
        case .statusRequest: return HeaderWriter(.statusRequest, run: .none).sealed()
        }
    }

    /// The message in `header`, which came with payload frames of `payloadSizes` bytes.
    ///
    /// - Parameter fingerprint: of the payload frame of this index.
    package static func decode(
        header: UnsafeRawBufferPointer, payloadSizes: [Int], limits: MessageLimits, fingerprint: (Int) -> UInt64
    ) throws(DecodingFailure) -> WorkerMessage {
        try MessageLimits.requireHeaderFits(header)
        var reader = HeaderReader(header)
        let prefix = try HeaderPrefix(&reader)
        if !prefix.isOwnVersion, prefix.kind == MessageKind.hello.rawValue {
            return .foreignHello(try Hello.build(prefix, &reader))
        }
        try prefix.requireOwnVersion()
        try reader.breakSeal()
        let message = try fields(of: prefix, &reader, limits)
        try reader.finish()
        try checkPayload(sizes: payloadSizes, fingerprint: fingerprint, expected: message.payload(limits))
        return message
    }

    /// Bytes of each payload frame that goes with the header.
    package func payloadSizes(_ limits: MessageLimits) throws(DecodingFailure) -> [Int] {
        try payload(limits).map(\.size)
    }

    /// `fingerprint(of:)` each payload frame that goes with the header.
    package func payloadFingerprints(_ limits: MessageLimits) throws(DecodingFailure) -> [UInt64] {
        try payload(limits).map(\.fingerprint)
    }

    private func payload(_ limits: MessageLimits) throws(DecodingFailure) -> [PayloadFrame] {
        guard case .partials(let partials) = self else { return [] }
        return try partials.payload(limits)
    }

    private static func fields(
        of prefix: HeaderPrefix, _ reader: inout HeaderReader, _ limits: MessageLimits
    ) throws(DecodingFailure) -> WorkerMessage {
        switch MessageKind(rawValue: prefix.kind) {
        case .hello:
            guard prefix.run == .none else { throw .inconsistent("a hello that names a run: \(prefix.run)") }
            return .hello(try Hello(try Hello.build(prefix, &reader), &reader))
        case .partials: return .partials(try Partials(run: prefix.run, &reader, limits))
        case .progress: return .progress(try Progress(run: prefix.run, &reader))
        case .failure: return .failure(try Failure(run: prefix.run, &reader))
        case .workerGoodbye:
            let reason = try reader.text("reason", limit: MessageLimits.maximumReasonBytes)
            return .goodbye(run: prefix.run, reason: reason)
        case .statusRequest:
            guard prefix.run == .none else { throw .inconsistent("a status request that names a run: \(prefix.run)") }
            return .statusRequest
        default: throw .unknownKind(prefix.kind)
        }
    }
}
