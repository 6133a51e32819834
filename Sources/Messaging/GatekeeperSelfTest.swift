// The proof, before any socket is opened to the world, that the locks of this libzmq lock: a stranger knocks, and must be refused
// for the right reason.

/// Why a coordinator must not open its door.
package enum SelfTestError: Error, Equatable, Sendable, CustomStringConvertible {
    /// It came in.
    case strangerWasLetIn
    /// Something else than its key kept it out, so nothing is known.
    case inconclusive(String)

    package var description: String {
        switch self {
        case .strangerWasLetIn:
            "the self-test of the keys failed: a peer with an unknown key was let in. Do not use keys with this libzmq "
                + "(\(LibraryVersion.loaded)); install Debian's libzmq5, 4.3.4 or later"
        case .inconclusive(let what):
            "the self-test of the keys failed: a peer with an unknown key should have been refused, but \(what). "
                + "Does this libzmq (\(LibraryVersion.loaded)) have CURVE? Debian's libzmq5 does"
        }
    }
}

/// Knocks at `endpoint` with a key made a moment ago, and throws unless that key, and nothing else, is the reason for which
/// it is kept out.
///
/// - Parameter limit: nanoseconds until the test is given up
package func requireRefusalOfStrangers(
    at endpoint: Endpoint, server: PublicKey, context: Context, limit: UInt64 = 10_000_000_000
) throws {
    var options = SocketOptions()
    options.linger = .zero
    let stranger = try DealerSocket(
        context: context, options: options, keys: ClientKeys(own: .generate(), server: server))
    let monitor = try ConnectionMonitor(stranger)
    try stranger.connect(to: endpoint)
    let poller = Poller<Int>()
    poller.watch(monitor, as: 0)
    let deadline = MonotonicClock.now() + limit
    while MonotonicClock.now() < deadline {
        _ = try poller.wait(until: deadline)
        while let event = try monitor.receive() {
            switch event.kind {
            case .handshakeFailed(.notAuthorized): return
            case .handshakeFailed(let failure): throw SelfTestError.inconclusive("the handshake failed: \(failure)")
            case .ready: throw SelfTestError.strangerWasLetIn
            default: break
            }
        }
    }
    throw SelfTestError.inconclusive("nobody answered within \(limit / 1_000_000_000) s")
}

extension Gatekeeper {
    /// Throws unless a socket that is set up as the guarded one will be, in this context, refuses an unknown key.
    package static func selfTest(context: Context, keys: KeyPair, options: SocketOptions) throws {
        let gatekeeper = try Gatekeeper(context: context, keys: keys)
        let door = try RouterSocket(guardedBy: gatekeeper, options: options)
        // Abstract: no file, no port, and gone with the socket. Who else knocks there meanwhile is refused as well.
        let name = "@siamese-self-test-\(UInt64.random(in: 0 ... .max))"
        let endpoint = try door.bind(to: .ipc(path: name))
        try requireRefusalOfStrangers(at: endpoint, server: keys.publicKey, context: context)
        gatekeeper.stop()
    }
}
