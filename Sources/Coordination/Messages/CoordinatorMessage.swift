// Everything a coordinator can say to a worker, its one encoder and its one decoder.

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
    case shard(ShardLease)
    /// "These are the weights of this step." Payload frame: one float per parameter.
    case weights(run: RunID, step: UInt64)
    /// "I am here; are you?" The worker needs not answer: it sends its progress anyway.
    case ping(run: RunID)
    case goodbye(run: RunID, GoodbyeReason)

    /// The header frame.
    package var header: [UInt8] {
        switch self {
        case .welcome(let welcome): return welcome.encoded()
        case .refuse(let refuse): return refuse.encoded()
        case .shard(let lease): return lease.encoded()
        case .weights(let run, let step):
            var writer = HeaderWriter(.weights, run: run)
            writer.integer(step)
            return writer.bytes
        case .ping(let run): return HeaderWriter(.ping, run: run).bytes
        case .goodbye(let run, let reason):
            var writer = HeaderWriter(.coordinatorGoodbye, run: run)
            writer.integer(reason.rawValue)
            return writer.bytes
        }
    }

    /// The message in `header`, which came with payload frames of `payloadSizes` bytes.
    package static func decode(
        header: UnsafeRawBufferPointer, payloadSizes: [Int], limits: MessageLimits
    ) throws(DecodingFailure) -> CoordinatorMessage {
        try MessageLimits.requireHeaderFits(header)
        var reader = HeaderReader(header)
        let prefix = try HeaderPrefix(&reader)
        if prefix.kind == MessageKind.refuse.rawValue { return .refuse(try Refuse(prefix, &reader)) }
        try prefix.requireOwnVersion()
        let message = try fields(of: prefix, &reader, limits)
        try reader.finish()
        try checkPayload(sizes: payloadSizes, expected: message.payloadSizes(limits))
        return message
    }

    /// Bytes of each payload frame that goes with the header.
    package func payloadSizes(_ limits: MessageLimits) throws(DecodingFailure) -> [Int] {
        switch self {
        case .welcome(let welcome): [welcome.jobDescriptionBytes]
        case .shard(let lease): lease.payloadSizes
        case .weights: [try limits.floatFrameBytes()]
        case .refuse, .ping, .goodbye: []
        }
    }

    private static func fields(
        of prefix: HeaderPrefix, _ reader: inout HeaderReader, _ limits: MessageLimits
    ) throws(DecodingFailure) -> CoordinatorMessage {
        switch MessageKind(rawValue: prefix.kind) {
        case .welcome: return .welcome(try Welcome(run: prefix.run, &reader, limits))
        case .shard: return .shard(try ShardLease(run: prefix.run, &reader, limits))
        case .weights: return .weights(run: prefix.run, step: try reader.integer("step"))
        case .ping: return .ping(run: prefix.run)
        case .coordinatorGoodbye:
            let code: UInt16 = try reader.integer("goodbye reason")
            guard let reason = GoodbyeReason(rawValue: code) else {
                throw .outOfRange(field: "goodbye reason", value: UInt64(code), limit: 3)
            }
            return .goodbye(run: prefix.run, reason)
        default: throw .unknownKind(prefix.kind)
        }
    }
}
