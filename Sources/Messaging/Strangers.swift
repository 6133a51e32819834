// Who knocked and was not let in: kinds, counts, and which of them a person is told of. No socket, no clock.

/// Why a connection was not let in.
package enum Stranger: Hashable, Sendable {
    /// It proved a key that is not admitted.
    case unknownKey(PublicKey)
    /// It proved a key that was admitted earlier, by this name.
    case revokedKey(String)
    /// It took us for another server: what it sent was encrypted for another key.
    case wrongServerKey
    /// It came without keys where they are required, or with keys where there are none.
    case otherMechanism
    /// It does not speak ZMTP as we do: the value of `ZMQ_PROTOCOL_ERROR_…`.
    case otherProtocol(Int32)
    /// It went away, or was too slow, before the handshake was done: an error number.
    case brokeOff(Int32)
    /// It could not even be accepted: an error number, EMFILE most often.
    case notAccepted(Int32)

    /// What is counted and reported as one.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case unknownKey, revokedKey, wrongServerKey, otherMechanism, otherProtocol, brokeOff, notAccepted
    }

    package var kind: Kind {
        switch self {
        case .unknownKey: .unknownKey
        case .revokedKey: .revokedKey
        case .wrongServerKey: .wrongServerKey
        case .otherMechanism: .otherMechanism
        case .otherProtocol: .otherProtocol
        case .brokeOff: .brokeOff
        case .notAccepted: .notAccepted
        }
    }
}

/// One stranger that a person is told of, for itself and for others of its kind that went unmentioned.
package struct StrangerReport: Equatable, Sendable {
    package let stranger: Stranger
    /// Where from; nil if that could not be seen before the connection was gone.
    package let address: String?
    /// How many of its kind have come since the last report.
    package let unmentioned: Int
}

/// Counts all strangers and lets few through to the log: of each kind as many as `LogPauses` says.
struct StrangerLedger {
    private var counted: [Stranger.Kind: UInt64] = [:]
    private var pauses: [Stranger.Kind: LogPauses] = [:]

    var counts: [Stranger.Kind: UInt64] { counted }

    /// - Parameter now: nanoseconds, monotonic
    /// - Returns: what to tell, if it is time to
    mutating func note(_ stranger: Stranger, from address: String?, now: UInt64) -> StrangerReport? {
        counted[stranger.kind, default: 0] += 1
        return pauses[stranger.kind, default: LogPauses()].unmentioned(before: now)
            .map { StrangerReport(stranger: stranger, address: address, unmentioned: $0) }
    }
}
