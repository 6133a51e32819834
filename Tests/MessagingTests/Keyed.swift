// A guarded ROUTER, and who may or may not come in there.

import Messaging
import Testing

final class GuardedPair {
    let context: Context
    let serverKeys: KeyPair
    let memberKeys: KeyPair
    let gatekeeper: Gatekeeper
    let router: RouterSocket
    let endpoint: Endpoint
    private let isKeyed: Bool

    /// - Parameter keyed: false: a gatekeeper who only counts
    init(over transport: Transport = .tcp, keyed: Bool = true, options: SocketOptions = brisk) throws {
        isKeyed = keyed
        context = try Context()
        (serverKeys, memberKeys) = try (.generate(), .generate())
        gatekeeper = try Gatekeeper(
            context: context, keys: keyed ? serverKeys : nil, admitted: AdmittedKeys([memberKeys.publicKey: "member"]))
        router = try RouterSocket(guardedBy: gatekeeper, options: options)
        endpoint = try router.bind(to: transport.endpoint())
    }

    /// In a context of its own, as another process would be.
    func dealer(_ own: KeyPair?, expecting server: PublicKey? = nil) throws -> DealerSocket {
        let keys = own.map { ClientKeys(own: $0, server: server ?? serverKeys.publicKey) }
        return try DealerSocket(context: Context(), options: brisk, keys: keys)
    }

    func connected(_ own: KeyPair?, expecting server: PublicKey? = nil) throws -> DealerSocket {
        let dealer = try dealer(own, expecting: server)
        try dealer.connect(to: endpoint)
        return dealer
    }

    /// How the connection of a stranger fails, as the stranger sees it.
    func failure(of own: KeyPair?, expecting server: PublicKey? = nil) throws -> ConnectionEvent.HandshakeFailure {
        let dealer = try dealer(own, expecting: server)
        let monitor = try ConnectionMonitor(dealer)
        try dealer.connect(to: endpoint)
        return try eventually("a failed handshake") {
            while let event = try monitor.receive() {
                if case .handshakeFailed(let failure) = event.kind { return failure }
                try #require(event.kind != .ready, "a stranger came in")
            }
            return nil
        }
    }

    func reports(of kinds: Stranger.Kind...) throws -> [StrangerReport] {
        var all: [StrangerReport] = []
        return try eventually("a report of \(kinds)") {
            all += try gatekeeper.takeReports()
            let found = all.filter { kinds.contains($0.stranger.kind) }
            return found.isEmpty ? nil : found
        }
    }

    /// A member that has said something, and the descriptor of its link.
    func spoken() throws -> (DealerSocket, Int32) {
        let dealer = try connected(isKeyed ? memberKeys : nil)
        try eventually("a link for the member") { try dealer.send([Frame([7])]) == .sent ? () : nil }
        let (_, message) = try eventually("the member's message") { try router.receive() }
        guard case .frames(let frames) = message else { throw Unexpected() }
        return (dealer, try #require(frames[0].linkDescriptor))
    }

    private struct Unexpected: Error {}

    /// A member is served: its message comes through under its key, and the answer reaches it.
    func expectService(for member: KeyPair?, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let dealer = try connected(member)
        try eventually("a link for the member") { try dealer.send([Frame([7]), Frame([8])]) == .sent ? () : nil }
        let (peer, message) = try eventually("the member's message") { try router.receive() }
        #expect(message.contents == [[7], [8]], sourceLocation: sourceLocation)
        guard case .frames(let frames) = message else { return }
        #expect(frames.map(\.senderKey) == [member?.publicKey, member?.publicKey], sourceLocation: sourceLocation)
        #expect(try router.send([Frame([9])], to: peer) == .sent, sourceLocation: sourceLocation)
        let answer = try eventually("the answer") { try dealer.receive() }
        #expect(answer.contents == [[9]], sourceLocation: sourceLocation)
    }
}
