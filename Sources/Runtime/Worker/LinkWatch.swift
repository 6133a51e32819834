// A worker's or a relay's way to its coordinator, as libzmq tells of it: is it up, is it hopeless, is it to be tried anew. What follows
// from news of the link is its owner's; what they mean is in LinkDoubts.
internal import Messaging

/// Watches one socket's link to a coordinator, and connects it anew where libzmq has given up.
struct LinkWatch {
    private static let reconnectionPause: UInt64 = 2_000_000_000

    let monitor: ConnectionMonitor
    private let socket: DealerSocket
    private let coordinator: Endpoint
    private let keys: ClientKeys?
    private let asker: String
    private var doubts: LinkDoubts
    /// When to connect anew.
    private(set) var reconnection: UInt64?

    /// Connects the socket.
    ///
    /// - Parameter asker: who wants in: "this worker"
    init(_ socket: DealerSocket, to coordinator: Endpoint, keys: ClientKeys?, asker: String) throws {
        monitor = try ConnectionMonitor(socket)
        try socket.connect(to: coordinator)
        self.socket = socket
        self.coordinator = coordinator
        self.keys = keys
        self.asker = asker
        doubts = LinkDoubts(hasKeys: keys != nil)
    }

    /// Takes what news there is. Hints only: whoever has been let in is not sent away by one.
    ///
    /// - Parameters:
    ///   - isWanted: whether there is still somebody who wants the link
    ///   - changed: told that the link is up, or no longer
    /// - Throws: `RunFailure` if there is no way in
    mutating func look(while isWanted: () -> Bool, changed: (_ isUp: Bool) throws -> Void) throws {
        while isWanted(), let event = try monitor.receive() {
            switch event.kind {
            case .ready: try changed(true)
            case .disconnected: try changed(false)
            default: break
            }
            switch doubts.see(event.kind) {
            case nil: break
            case .hopeless(let reason): throw failure(reason)
            case .unclear:
                // Nothing else is going on: whoever asks has never had a coordinator.
                if let reason = doubts.judge(peekMechanism(at: coordinator)) { throw failure(reason) }
            case .givenUp: reconnection = MonotonicClock.now() + Self.reconnectionPause
            }
        }
        guard let due = reconnection, MonotonicClock.now() >= due else { return }
        reconnection = nil
        try socket.connect(to: coordinator)
    }

    private func failure(_ reason: NoEntry) -> RunFailure { reason.failure(at: coordinator, keys: keys, asker: asker) }
}
