// Everything a coordinator can say to a worker or to who asks how the run stands, its one encoder and its one decoder.

/// Why a coordinator sends a worker away.
package enum GoodbyeReason: UInt16, Sendable, CaseIterable {
    /// "The run is complete."
    case finished = 1
    /// "The run was stopped before its end; it may be resumed some day."
    case stopped = 2
    /// "I do not know you (any more): say hello again if you want to work."
    case evicted = 3
}

/// A message from a coordinator.
package enum CoordinatorMessage: Equatable, Sendable {
    case welcome(Welcome)
    case refuse(Refuse)
    case shard(ShardLease, ShardContent)
    /// "These are the weights of this step." Payload frames: one float per parameter; in a second round also the gradients of all
    /// latent vectors, [example][tower][dimension].
    case weights(run: RunID, step: UInt64, content: WeightsContent)
    /// "These are the gradients of all latent vectors; the weights of this second round are those of its first, which you have." The
    /// same as `weights`, without their frame.
    case latentGradients(run: RunID, step: UInt64, content: WeightsContent)
    /// "I am here; are you?" The worker needs not answer: it sends its progress anyway.
    case ping(run: RunID)
    case goodbye(run: RunID, GoodbyeReason)
    case statusReport(StatusReport)

    /// Weights of a step of one round.
    package static func weights(run: RunID, step: UInt64, fingerprint: UInt64) -> Self {
        .weights(run: run, step: step, content: WeightsContent(weights: fingerprint))
    }

    /// The header frame.
    package var header: [UInt8] {
        switch self {
        case .welcome(let welcome): return welcome.encoded()
        case .refuse(let refuse): return refuse.encoded()
        case .shard(let lease, let content): return lease.encoded(content)
        case .weights(let run, let step, let content): return Self.encoded(.weights, run, step, content)
        case .latentGradients(let run, let step, let content):
            return Self.encoded(.latentGradients, run, step, content)
        case .ping(let run): return HeaderWriter(.ping, run: run).sealed()
        case .goodbye(let run, let reason):
            var writer = HeaderWriter(.coordinatorGoodbye, run: run)
            writer.integer(reason.rawValue)
            return writer.sealed()
        case .statusReport(let report): return report.encoded()
        }
    }

    private static func encoded(
        _ kind: MessageKind, _ run: RunID, _ step: UInt64, _ content: WeightsContent
    ) -> [UInt8] {
        var writer = HeaderWriter(kind, run: run)
        writer.integer(step)
        content.encode(&writer)
        return writer.sealed()
    }

    /// The message in `header`, which came with payload frames of `payloadSizes` bytes.
    ///
    /// - Parameter fingerprint: of the payload frame of this index.
    package static func decode(
        header: UnsafeRawBufferPointer, payloadSizes: [Int], limits: MessageLimits, fingerprint: (Int) -> UInt64
    ) throws(DecodingFailure) -> CoordinatorMessage {
        try MessageLimits.requireHeaderFits(header)
        var reader = HeaderReader(header)
        let prefix = try HeaderPrefix(&reader)
        if prefix.kind == MessageKind.refuse.rawValue { return .refuse(try Refuse(prefix, &reader)) }
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
        switch self {
        case .welcome(let welcome): [welcome.job]
        case .statusReport(let report): [report.document]
        case .shard(let lease, let content): content.payload(of: lease)
        case .weights(_, _, let content): try content.payload(limits)
        case .latentGradients(_, _, let content): [content.latentGradientFrame]
        case .refuse, .ping, .goodbye: []
        }
    }

    private static func fields(
        of prefix: HeaderPrefix, _ reader: inout HeaderReader, _ limits: MessageLimits
    ) throws(DecodingFailure) -> CoordinatorMessage {
        switch MessageKind(rawValue: prefix.kind) {
        case .welcome: return .welcome(try Welcome(run: prefix.run, &reader, limits))
        case .shard: return .shard(try ShardLease(run: prefix.run, &reader, limits), try ShardContent(&reader))
        case .weights:
            return .weights(
                run: prefix.run, step: try reader.integer("step"),
                content: try WeightsContent(&reader, limits))
        case .latentGradients:
            let step: UInt64 = try reader.integer("step")
            let content = try WeightsContent(&reader, limits)
            guard content.latentGradients > 0 else { throw .inconsistent("a second round without gradients") }
            return .latentGradients(run: prefix.run, step: step, content: content)
        case .ping: return .ping(run: prefix.run)
        case .coordinatorGoodbye:
            let code: UInt16 = try reader.integer("goodbye reason")
            guard let reason = GoodbyeReason(rawValue: code) else {
                throw .outOfRange(field: "goodbye reason", value: UInt64(code), limit: 3)
            }
            return .goodbye(run: prefix.run, reason)
        case .statusReport: return .statusReport(try StatusReport(run: prefix.run, &reader))
        default: throw .unknownKind(prefix.kind)
        }
    }
}
