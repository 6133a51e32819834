// What a worker concludes from the events of its link, and what it must not conclude.
import Messaging
import Runtime
import Testing

@Suite struct LinkDoubtsTests {
    @Test(arguments: [true, false])
    func aRefusedKeyIsTheEndAlsoLater(hasBeenUp: Bool) {
        var doubts = LinkDoubts(hasKeys: true)
        if hasBeenUp { #expect(doubts.see(.ready) == nil) }
        #expect(doubts.see(.handshakeFailed(.notAuthorized(400))) == .hopeless(.keyNotAdmitted))
    }

    @Test func anotherMechanismIsTheEndAtFirst() {
        var (keyed, plain) = (LinkDoubts(hasKeys: true), LinkDoubts(hasKeys: false))
        #expect(keyed.see(.handshakeFailed(.otherMechanism)) == .hopeless(.coordinatorWithoutKeys))
        #expect(plain.see(.handshakeFailed(.otherMechanism)) == .hopeless(.keyWanted))
        #expect(keyed.see(.handshakeFailed(.wrongKey)) == .hopeless(.wrongCoordinatorKey))
    }

    @Test func whoHasBeenInIsNotSentAwayByHints() {
        var doubts = LinkDoubts(hasKeys: true)
        _ = doubts.see(.ready)
        for _ in 0..<100 { #expect(doubts.see(.handshakeFailed(.brokenOff(32))) == nil) }
        for failure in [
            ConnectionEvent.HandshakeFailure.otherMechanism, .wrongKey, .wrongProtocol(1), .notAuthorized(300),
        ] {
            #expect(doubts.see(.handshakeFailed(failure)) == .givenUp)
        }
        for event in [ConnectionEvent.Kind.disconnected, .retrying(milliseconds: 5), .connected] {
            #expect(doubts.see(event) == nil)
        }
    }

    @Test func whoIsHungUpOnAsksWhy() {
        var doubts = LinkDoubts(hasKeys: true)
        let conclusions = (0..<6).map { _ in doubts.see(.handshakeFailed(.brokenOff(104))) }
        #expect(conclusions == [nil, nil, .unclear, nil, nil, .unclear])
        #expect(doubts.judge(.curve) == .wrongCoordinatorKey)
        #expect(doubts.judge(.null) == .coordinatorWithoutKeys)
        // A tunnel whose other end is not there yet.
        #expect(doubts.judge(nil) == nil)
        let plain = LinkDoubts(hasKeys: false)
        #expect(plain.judge(.curve) == .keyWanted)
        #expect(plain.judge(.null) == nil && plain.judge(nil) == nil)
    }
}
