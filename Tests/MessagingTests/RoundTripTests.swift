// Messages that arrive as they were sent, over every transport, and memory that is given back.

import Glibc
import Messaging
import Synchronization
import Testing

@Suite struct RoundTripTests {
    @Test(arguments: Transport.allCases)
    func framesArriveAsSent(over transport: Transport) throws {
        let pair = try Pair(over: transport)
        let sizes = [0, 1, 29, 30, 255, 256, 8191, 8192, 8193, 143_000, 1 << 20]
        let frames = sizes.map { Lender(count: $0).frame }
        try pair.greet(frames)
        let (peer, message) = try pair.arrival()
        #expect(message.contents == frames.map(\.contents))

        // Back again, with frames that were themselves received.
        guard case .frames(let received) = message else { return }
        #expect(try pair.router.send(received, to: peer) == .sent)
        let dealer = try #require(pair.dealer)
        let echo = try eventually("the echo") { try dealer.receive() }
        #expect(echo.contents == frames.map(\.contents))
    }

    @Test func theBoundAddressHasItsRealPort() throws {
        let router = try RouterSocket(context: Context())
        let first = try router.bind(to: Endpoint(parsing: "tcp://127.0.0.1:*"))
        let second = try router.bind(to: Endpoint(parsing: "tcp://127.0.0.1:0"))
        guard case .tcp("127.0.0.1", let a) = first, case .tcp("127.0.0.1", let b) = second else {
            Issue.record("not tcp: \(first), \(second)")
            return
        }
        #expect(a != 0 && b != 0 && a != b)
    }

    @Test(arguments: [Transport.inproc, .ipc, .tcp])
    func oneFrameServesManyPeersAndIsThenGivenBack(over transport: Transport) throws {
        let counter = ReleaseCounter()
        let peers = 5
        do {
            let pair = try Pair(over: transport)
            let others = try (1..<peers).map { _ in try pair.connectedDealer() }
            let dealers = try others + [#require(pair.dealer)]
            for dealer in dealers { try pair.greet(from: dealer) }
            let ids = try (0..<peers).map { _ in try pair.arrival().peer }
            #expect(Set(ids).count == peers)

            let weights = Lender(count: 143_000, onRelease: { counter.add() }).frame
            for id in ids { #expect(try pair.router.send([weights], to: id) == .sent) }
            for dealer in dealers {
                let message = try eventually("the weights") { try dealer.receive() }
                #expect(message.contents == [weights.contents])
            }
            #expect(counter.value == 0, "the frame is still held here")
        }
        #expect(counter.value == 1)
    }

    @Test(arguments: [Transport.inproc, .ipc, .tcp])
    func theOwnerIsUniqueAgainAfterThePeerHasClosed(over transport: Transport) throws {
        let counter = ReleaseCounter()
        let pair = try Pair(over: transport)
        let peer = try pair.introduce()
        var sent = 0
        // Nobody reads: some of these stay queued here, some on the way.
        for _ in 0..<20 {
            let result = try pair.router.send([Lender(count: 200_000, onRelease: { counter.add() }).frame], to: peer)
            if result == .sent { sent += 1 }
        }
        #expect(sent > 0)
        pair.dealer = nil
        try eventually("every owner to be released") {
            // Over inproc the pipe between the two sockets ends when this one next looks at its mail.
            _ = try pair.router.receive()
            return counter.value == 20 ? () : nil
        }
    }

    @Test func aBufferIsReusableWhenLibzmqIsDoneWithIt() throws {
        let pair = try Pair(over: .ipc)
        let peer = try pair.introduce()
        var buffer = Lender(count: 1 << 20)
        #expect(try pair.router.send([buffer.frame], to: peer) == .sent)
        let dealer = try #require(pair.dealer)
        _ = try eventually("the buffer's bytes") { try dealer.receive() }
        try eventually("the buffer to be ours again") { isKnownUniquelyReferenced(&buffer) ? () : nil }
    }

    @Test func smallFramesAreCopied() throws {
        let pair = try Pair(over: .inproc)
        let peer = try pair.introduce()
        var buffer = Lender(count: Frame.smallestShared - 1)
        #expect(try pair.router.send([buffer.frame], to: peer) == .sent)
        #expect(isKnownUniquelyReferenced(&buffer))
    }
}

/// Counts the deaths of lenders, on whatever thread they die.
final class ReleaseCounter: Sendable {
    private let count = Atomic<Int>(0)
    func add() { count.wrappingAdd(1, ordering: .relaxed) }
    var value: Int { count.load(ordering: .relaxed) }
}
