// Who may come in at a listening socket: answers libzmq's questions about keys, and keeps count of everybody who was not let
// in. It knows keys and addresses, not what is said by those inside.

private import CZeroMQ
internal import Glibc
private import Synchronization

/// A thread at the door of one `RouterSocket` (`RouterSocket.init(guardedBy:)`). It has no other work, so that strangers never
/// keep the thread of the socket from it, and so that it sees a peer's address before the connection is gone.
///
/// With keys, it is the ZAP handler of its context, of which there is one; if it dies nobody new comes in
/// (`becomeCurveServer`). Without keys it only counts those who do not even speak the protocol.
///
/// Not Sendable: it belongs to the thread of the socket that it guards.
package final class Gatekeeper {
    /// Every socket that asks must name it.
    static let domain = "siamese"

    let context: Context
    let keys: KeyPair?
    let wake: SocketHandle
    private let rounds: GatekeeperRounds
    private var thread: pthread_t?

    /// - Parameters:
    ///   - keys: of this server; nil: whoever speaks the protocol comes in
    ///   - admitted: who may come in
    package init(
        context: Context, keys: KeyPair?, admitted: AdmittedKeys = AdmittedKeys()
    ) throws(ZeroMQError) {
        self.context = context
        self.keys = keys
        let name = "inproc://gatekeeper-\(gatekeepersMade.wrappingAdd(1, ordering: .relaxed).newValue)"
        let (wake, signal) = try (SocketHandle.pair(context), SocketHandle.pair(context))
        guard zmq_bind(wake.raw, name) == 0 else { throw .last("bind to \(name)") }
        guard zmq_connect(signal.raw, name) == 0 else { throw .last("connect to \(name)") }
        self.wake = wake
        rounds = GatekeeperRounds(
            questions: try keys.map { (_) throws(ZeroMQError) in try SocketHandle.zapHandler(context) }, signal: signal,
            book: GatekeeperBook(admitted: admitted))
    }

    deinit { stop() }

    /// Who may come in from now on. Who is in already stays: libzmq asks only once.
    package func admit(_ admitted: AdmittedKeys) { rounds.book.admit(admitted) }

    package var admitted: AdmittedKeys { rounds.book.admitted }

    /// The name of a key that was admitted earlier.
    package func nameOfRevoked(_ key: PublicKey) -> String? { rounds.book.nameOfRevoked(key) }

    /// Who was not let in, since the last call; few of many. Readable through `Poller` when there is something.
    package func takeReports() throws(ZeroMQError) -> [StrangerReport] {
        while try wake.receive() != nil {}
        return rounds.book.takeReports()
    }

    /// Asks to be told, until further notice, when a link of this descriptor breaks. True if one just has: `takeDepartures` tells.
    package func awaitDeparture(of descriptor: Int32) -> Bool { rounds.book.awaitDeparture(of: descriptor) }

    package func forgetDeparture(of descriptor: Int32) { rounds.book.forgetDeparture(of: descriptor) }

    /// Descriptors of awaited links that have broken since the last call. Hints: by now another link may have the number.
    package func takeDepartures() -> [Int32] { rounds.book.takeDepartures() }

    /// How many were not let in, by kind.
    package var counts: [Stranger.Kind: UInt64] { rounds.book.counts }

    /// Why the thread ended by itself; nil while all is well. With keys, nobody new comes in any more.
    package var failure: ZeroMQError? { rounds.book.failure }

    /// Begins the thread's work at this socket, which has not been bound yet.
    func guardSocket(_ socket: SocketHandle) throws(ZeroMQError) {
        precondition(thread == nil, "a gatekeeper guards one socket")
        rounds.monitor = try ConnectionMonitor(monitoring: socket)
        var thread = pthread_t()
        let context = Unmanaged.passRetained(rounds)
        let status = pthread_create(&thread, nil, runRounds, context.toOpaque())
        guard status == 0 else {
            context.release()
            throw ZeroMQError(attempt: "start the gatekeeper's thread", code: status)
        }
        self.thread = thread
    }

    /// Ends the thread. With keys, nobody comes in from now on.
    package func stop() {
        guard let thread else { return }
        self.thread = nil
        _ = try? wake.send([Frame([])])
        pthread_join(thread, nil)
        rounds.monitor = nil
    }
}

/// Makes the address of each one's own.
private let gatekeepersMade = Atomic<Int>(0)

private func runRounds(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    Unmanaged<GatekeeperRounds>.fromOpaque(context).takeRetainedValue().run()
    return nil
}

extension SocketHandle {
    fileprivate static func pair(_ context: Context) throws(ZeroMQError) -> SocketHandle {
        var options = SocketOptions()
        options.linger = .zero
        return try SocketHandle(context: context, kind: ZMQ_PAIR, options: options)
    }

    /// Where libzmq looks for whom to ask.
    static let zapAddress = "inproc://zeromq.zap.01"

    /// Bound before any socket can ask.
    fileprivate static func zapHandler(_ context: Context) throws(ZeroMQError) -> SocketHandle {
        var options = SocketOptions()
        options.linger = .zero
        let handler = try SocketHandle(context: context, kind: ZMQ_REP, options: options)
        guard zmq_bind(handler.raw, zapAddress) == 0 else {
            throw .last("answer for keys: another gatekeeper has this context")
        }
        return handler
    }
}
