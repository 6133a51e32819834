// The asking side: one DEALER socket to a coordinator. Not a worker: it says no hello and is given nothing to do.
internal import Artifacts
internal import Coordination
package import Messaging

/// Asks one coordinator, once.
package final class StatusClient {
    private static let betweenTries: UInt64 = 50_000_000
    /// A question or its answer may be lost, or the coordinator may be busy.
    private static let betweenQuestions: UInt64 = 1_000_000_000

    private let coordinator: Endpoint
    private let keys: ClientKeys?
    private let socket: DealerSocket
    private let monitor: ConnectionMonitor
    private var doubts: LinkDoubts
    private let poller = Poller<Int>()

    /// What came back.
    package enum Answer: Equatable {
        case status(RunStatus, document: [UInt8])
        /// The coordinator is about to end.
        case over(String)
    }

    /// - Parameter keys: nil: speak to whoever answers, in the clear
    package init(coordinator: Endpoint, keys: ClientKeys?) throws {
        self.coordinator = coordinator
        self.keys = keys
        doubts = LinkDoubts(hasKeys: keys != nil)
        var options = SocketOptions()
        options.largestFrame = Int64(MessageLimits.maximumReportBytes)
        options.linger = .zero
        socket = try DealerSocket(context: Context(), options: options, keys: keys)
        monitor = try ConnectionMonitor(socket)
        try socket.connect(to: coordinator)
        poller.watch(socket, as: 0)
        poller.watch(monitor, as: 1)
    }

    /// - Parameter patience: seconds
    /// - Throws: `RunFailure`, also if nobody answers
    package func ask(patience: Double) throws -> Answer {
        let deadline = MonotonicClock.now() + UInt64(patience * 1e9)
        var nextQuestion: UInt64 = 0
        while true {
            let now = MonotonicClock.now()
            guard now < deadline else { throw silence(patience) }
            if now >= nextQuestion {
                let result = try socket.send([Frame(WorkerMessage.statusRequest.header)])
                nextQuestion = now + (result == .sent ? Self.betweenQuestions : Self.betweenTries)
            }
            _ = try poller.wait(until: min(nextQuestion, deadline))
            try watchLink()
            while let message = try socket.receive() {
                if let answer = try answer(in: message) { return answer }
            }
        }
    }

    /// Hints only: they serve to tell a wrong key from nobody.
    private func watchLink() throws {
        while let event = try monitor.receive() {
            let reason: NoEntry? =
                switch doubts.see(event.kind) {
                case .hopeless(let reason): reason
                case .unclear: doubts.judge(peekMechanism(at: coordinator))
                case .givenUp, nil: nil
                }
            if let reason { throw reason.failure(at: coordinator, keys: keys, asker: "this command") }
        }
    }

    private func silence(_ patience: Double) -> RunFailure {
        RunFailure(
            .unavailable,
            "no coordinator at \(coordinator) answered within \(patience) s: is it running, and is the address right?")
    }

    private func answer(in message: Message) throws -> Answer? {
        guard case .frames(let frames) = message, let header = frames.first else { return nil }
        let payload = Array(frames.dropFirst())
        let decoded: CoordinatorMessage
        do {
            decoded = try header.withUnsafeBytes { (bytes) throws(DecodingFailure) in
                try CoordinatorMessage.decode(
                    header: bytes, payloadSizes: payload.map(\.count), limits: MessageLimits()
                ) { payload[$0].fingerprint }
            }
        } catch {
            // Damaged on the way, perhaps: the question is repeated.
            if error.isDamage { return nil }
            throw RunFailure(.unavailable, "what answers at \(coordinator) is no coordinator of this version: \(error)")
        }
        switch decoded {
        case .statusReport: return try status(in: payload)
        case .refuse(let refusal):
            throw RunFailure(
                refusal.code == .notAuthorized ? .notAuthorized : .badConfiguration,
                "the coordinator at \(coordinator) refused: \(refusal.reason)")
        case .goodbye(_, .finished): return .over("the run is complete")
        case .goodbye(_, .stopped): return .over("the run was stopped")
        case .goodbye(_, .evicted), .welcome, .shard, .weights, .latentGradients, .ping: return nil
        }
    }

    private func status(in payload: [Frame]) throws -> Answer {
        let document = payload.first.map { frame in frame.withUnsafeBytes { Array($0) } } ?? []
        guard let json = try? JSONValue(parsing: document), let status = RunStatus(json: json) else {
            throw RunFailure(
                .unavailable,
                "the report of the coordinator at \(coordinator) cannot be read: is it of another version?")
        }
        return .status(status, document: document)
    }
}
