// What the end of a worker's, or a relay's, life means to the user who started it.
internal import Coordination
internal import Messaging

extension WorkerEnd {
    /// The sentence and the exit code; nil: all is well.
    ///
    /// - Parameter endpoint: where the coordinator is, or should be
    func failure(at endpoint: Endpoint) -> RunFailure? {
        switch self {
        case .finished(.stopped):
            RunFailure(.tryAgainLater, "the run was stopped before its end; it may be resumed")
        case .finished, .left: nil
        case .refused(let refusal):
            RunFailure(refusal.exitCode, "the coordinator at \(endpoint) refused: \(refusal.reason)")
        case .noCoordinator(let limit):
            RunFailure(
                .unavailable,
                "no coordinator at \(endpoint) answered within \(limit.seconds) s: is it running, and is the address right?"
            )
        case .lostCoordinator(let limit):
            RunFailure(
                .tryAgainLater,
                "the coordinator at \(endpoint) is gone, and neither it nor a successor was there within \(limit.seconds) s"
            )
        }
    }
}

extension Refuse {
    fileprivate var exitCode: ExitCode {
        switch code {
        case .notAuthorized: .notAuthorized
        case .full: .tryAgainLater
        default: .badConfiguration
        }
    }
}
