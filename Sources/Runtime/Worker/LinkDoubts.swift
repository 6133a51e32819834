// Is it the key? What a worker concludes from the hints that libzmq gives about its link. Pure: no socket, no clock.
package import Messaging

/// Watches a link until it has been up once. From then on nothing but the coordinator's plain "no" to this worker's key counts:
/// everything else may pass.
package struct LinkDoubts {
    package enum Conclusion: Equatable {
        /// It will never work.
        case hopeless(NoEntry)
        /// The coordinator, or a tunnel to it, hangs up again and again: ask what kind of door it is, and `judge`.
        case unclear
        /// libzmq does not try again by itself.
        case givenUp
    }

    /// Handshakes that break before this worker asks why.
    package static let patience = 3

    let hasKeys: Bool
    private var hasBeenUp = false
    private var broken = 0

    package init(hasKeys: Bool) { self.hasKeys = hasKeys }

    package mutating func see(_ event: ConnectionEvent.Kind) -> Conclusion? {
        switch event {
        case .ready:
            hasBeenUp = true
            return nil
        case .handshakeFailed(let failure): return see(failure)
        case .connected, .accepted, .disconnected, .retrying, .acceptFailed, .bindFailed, .stopped: return nil
        }
    }

    private mutating func see(_ failure: ConnectionEvent.HandshakeFailure) -> Conclusion? {
        switch failure {
        case .notAuthorized(400): return .hopeless(.keyNotAdmitted)
        case .otherMechanism where !hasBeenUp: return .hopeless(hasKeys ? .coordinatorWithoutKeys : .keyWanted)
        case .wrongKey where !hasBeenUp: return .hopeless(.wrongCoordinatorKey)
        case .notAuthorized, .otherMechanism, .wrongKey, .wrongProtocol: return .givenUp
        case .brokenOff:
            guard !hasBeenUp else { return nil }
            broken += 1
            return broken % Self.patience == 0 ? .unclear : nil
        }
    }

    /// - Parameter mechanism: what the one who hangs up asks for; nil: there is nobody behind it
    package func judge(_ mechanism: SecurityMechanism?) -> NoEntry? {
        switch (mechanism, hasKeys) {
        case (.curve?, true): .wrongCoordinatorKey
        case (.curve?, false): .keyWanted
        case (.null?, true): .coordinatorWithoutKeys
        case (.null?, false), (.plain?, _), (nil, _): nil
        }
    }
}

/// Why a worker cannot come in, whatever it does.
package enum NoEntry: Equatable {
    case keyNotAdmitted
    case wrongCoordinatorKey
    case coordinatorWithoutKeys
    case keyWanted

    /// - Parameter asker: who wants in: "this worker"
    func failure(at endpoint: Endpoint, keys: ClientKeys?, asker: String) -> RunFailure {
        let coordinator = "the coordinator at \(endpoint)"
        let sentence =
            switch self {
            case .keyNotAdmitted:
                "wrong key: \(coordinator) does not admit \(asker)'s key, \(keys?.own.publicKey.description ?? ""). "
                    + "Is its NAME.pub in the coordinator's folder 'admitted', and was the coordinator told to read it "
                    + "again (SIGHUP)? Or has it been revoked?"
            case .wrongCoordinatorKey:
                "wrong key: \(coordinator) is not the one that \(asker)'s key was made for (line 'coordinator' in the "
                    + "file of --key). Is the address right? Were the coordinator's keys made anew? Then \(asker) needs a new key"
            case .coordinatorWithoutKeys:
                "wrong key: \(coordinator) runs without keys, so nothing shows that it is ours. Start it with --keys DIR, or, "
                    + "in a network that you trust, \(asker) without --key and with --insecure"
            case .keyWanted:
                "wrong key: \(coordinator) lets nobody in without a key. Give \(asker) its own with --key FILE "
                    + "(siamese keygen makes them)"
            }
        return RunFailure(.notAuthorized, sentence)
    }
}
