// Peers that are gone, that never were, and that misbehave: the sender is told, the others are served.

import Glibc
import Messaging
import Testing

@Suite struct BadPeerTests {
    @Test func anUnknownPeerIsUnreachable() throws {
        let pair = try Pair()
        _ = try pair.introduce()
        let stranger = RoutingID(bytes: [0, 1, 2, 3, 4])
        #expect(try pair.router.send([Frame([1]), Frame([2])], to: stranger) == .unreachable)
        // The refused message has left nothing behind.
        try pair.greet([Frame([7])])
        #expect(try pair.arrival().message.contents == [[7]])
    }

    @Test(arguments: Transport.allCases)
    func aPeerThatLeftIsUnreachable(over transport: Transport) throws {
        let pair = try Pair(over: transport)
        let peer = try pair.introduce()
        pair.dealer = nil
        try eventually("the peer to be unreachable") {
            try pair.router.send([Frame([1])], to: peer) == .unreachable ? () : nil
        }
    }

    @Test func aKilledPeerIsUnreachable() throws {
        let pair = try Pair()
        let peer = try connectAndDie(pair)
        try eventually("the killed peer to be unreachable") {
            try pair.router.send([Frame([1])], to: peer) == .unreachable ? () : nil
        }
    }

    private func connectAndDie(_ pair: Pair) throws -> RoutingID {
        let raw = try RawPeer(connectingTo: pair.endpoint)
        try raw.shakeHands()
        try raw.sendFrame([9])
        return try pair.arrival().peer
    }

    @Test func aSilentPeerIsUnreachableAfterTheHeartbeatTimeout() throws {
        var options = brisk
        options.heartbeatInterval = .milliseconds(20)
        options.heartbeatTimeout = .milliseconds(100)
        let pair = try Pair(options: options)
        let raw = try RawPeer(connectingTo: pair.endpoint)
        try raw.shakeHands()
        try raw.sendFrame([9])
        let peer = try pair.arrival().peer
        try eventually("the silent peer to be given up") {
            try pair.router.send([Frame([1])], to: peer) == .unreachable ? () : nil
        }
        try raw.waitForClose()
    }

    @Test func anUnfinishedHandshakeIsBrokenOff() throws {
        var options = brisk
        options.handshakeTimeout = .milliseconds(50)
        let pair = try Pair(options: options)
        let raw = try RawPeer(connectingTo: pair.endpoint)
        try raw.write([0xFF])
        try raw.waitForClose()
        try pair.greet()
        #expect(try pair.arrival().message.contents == [[1]])
    }

    @Test func aPeerThatDoesNotReadStallsOnlyItself() throws {
        var options = brisk
        options.sendQueue = 2
        let pair = try Pair(over: .tcp, options: options)
        let raw = try RawPeer(connectingTo: pair.endpoint)
        try raw.shakeHands()
        try raw.sendFrame([9])
        let slow = try pair.arrival().peer
        let bytes = Lender(count: 1 << 20)
        try eventually("the queue to fill") { try pair.router.send([bytes.frame], to: slow) == .stalled ? () : nil }
        let good = try pair.introduce()
        #expect(try pair.router.send([Frame([5])], to: good) == .sent)
        let dealer = try #require(pair.dealer)
        #expect(try eventually("the good peer's message") { try dealer.receive() }.contents == [[5]])
    }

    @Test(arguments: [UInt64(1001), 1 << 40, .max])
    func anOversizedFrameDisconnectsOnlyItsSender(announced: UInt64) throws {
        var options = brisk
        options.largestFrame = 1000
        // Longer than the test waits: only the frame's size can end the connection.
        options.heartbeatInterval = .seconds(30)
        options.heartbeatLifetime = .seconds(60)
        let pair = try Pair(options: options)
        let good = try pair.introduce()
        let raw = try RawPeer(connectingTo: pair.endpoint)
        try raw.shakeHands()
        try raw.announceFrame(count: announced)
        try raw.waitForClose()
        #expect(try pair.router.receive() == nil)
        #expect(try pair.router.send([Frame([5])], to: good) == .sent)
        try pair.greet([Frame([UInt8](repeating: 3, count: 1000))])
        let (peer, message) = try pair.arrival()
        #expect(peer == good)
        #expect(message.contents == [[UInt8](repeating: 3, count: 1000)])
    }

    @Test func tooManyFramesAreDrainedAndReported() throws {
        var options = brisk
        options.mostFrames = 3
        let pair = try Pair(options: options)
        try pair.greet((0..<3).map { Frame([$0]) })
        #expect(try pair.arrival().message.contents == [[0], [1], [2]])
        try pair.greet((0..<4).map { Frame([$0]) })
        guard case .tooManyFrames(4) = try pair.arrival().message else {
            Issue.record("a fourth frame was let in")
            return
        }
        try pair.greet([Frame([7])])
        #expect(try pair.arrival().message.contents == [[7]])
    }

    @Test func garbageOnThePortHurtsNobody() throws {
        var generator = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: 0 ... .max, using: &generator)
        let pair = try Pair()
        let good = try pair.introduce()
        var state = seed
        for _ in 0..<20 {
            let raw = try RawPeer(connectingTo: pair.endpoint)
            let bytes = (0..<100).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(truncatingIfNeeded: state >> 56)
            }
            try raw.write(bytes)
        }
        #expect(try pair.router.send([Frame([5])], to: good) == .sent, "seed \(seed)")
        let dealer = try #require(pair.dealer)
        #expect(try eventually("service, seed \(seed)") { try dealer.receive() }.contents == [[5]])
    }
}
