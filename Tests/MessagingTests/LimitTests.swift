// What a peer can cost before and after it has proved its key: sizes, counts and times, on a guarded socket.

import Messaging
import Testing

@Suite struct LimitTests {
    @Test func aMembersOversizedFrameDisconnectsItAndNobodyElse() throws {
        var options = brisk
        options.largestFrame = 1000
        let pair = try GuardedPair(options: options)
        let dealer = try pair.connected(pair.memberKeys)
        try eventually("a link") { try dealer.send([Frame([UInt8](repeating: 5, count: 1000))]) == .sent ? () : nil }
        // The limit is that of the frame itself, not of its encrypted form.
        let (peer, message) = try eventually("a message") { try pair.router.receive() }
        #expect(message.contents == [[UInt8](repeating: 5, count: 1000)])
        #expect(try dealer.send([Frame([UInt8](repeating: 0, count: 1001))]) == .sent)
        try eventually("the offender to be gone") {
            try pair.router.send([Frame([1])], to: peer) == .unreachable ? () : nil
        }
        #expect(try pair.router.receive() == nil)
        try pair.expectService(for: pair.memberKeys)
    }

    /// Nobody who is not admitted gets further than the handshake, whose commands libzmq limits itself.
    @Test func anOversizedCommandInTheHandshakeIsNotWaitedFor() throws {
        var options = brisk
        options.largestFrame = 1000
        let pair = try GuardedPair(options: options)
        let raw = try RawPeer(connectingTo: pair.endpoint)
        try raw.greet(as: "CURVE")
        try raw.write([0x06] + withUnsafeBytes(of: UInt64(1 << 40).bigEndian) { Array($0) })
        try raw.waitForClose()
        try pair.expectService(for: pair.memberKeys)
    }

    @Test func hundredsOfUnfinishedHandshakesHurtNobody() throws {
        var options = brisk
        options.handshakeTimeout = .seconds(1)
        let pair = try GuardedPair(options: options)
        var crowd: [Crowd] = []
        for index in 0..<300 {
            let peer = Crowd(peer: try RawPeer(connectingTo: pair.endpoint))
            // A third says nothing, a third stops in the greeting, a third after it.
            if index % 3 == 1 { try peer.peer.write([0xFF, 0, 0]) }
            if index % 3 == 2 { try peer.peer.announce("CURVE") }
            crowd.append(peer)
        }
        try pair.expectService(for: pair.memberKeys)
        for one in crowd { try one.peer.waitForClose() }
        try eventually("all of them to be counted") {
            pair.gatekeeper.counts.values.reduce(0, +) == 300 ? () : nil
        }
        #expect(try pair.gatekeeper.takeReports().count <= 3)
        try pair.expectService(for: pair.memberKeys)
    }

    /// An array cannot hold what cannot be copied.
    private final class Crowd {
        let peer: RawPeer

        init(peer: consuming RawPeer) { self.peer = peer }
    }
}
