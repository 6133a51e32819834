// Who of the connected may speak: identity by key, revocation, and no memory of those who have gone.
import Coordination
import Messaging
import Runtime
import Testing

@Suite struct PeersTests {
    private let (key, other): (PublicKey, PublicKey)
    private let routes = (0..<4).map { RoutingID(bytes: [0, 0, 0, 0, $0]) }
    private static let second: UInt64 = 1_000_000_000

    init() throws { (key, other) = try (KeyPair.generate().publicKey, KeyPair.generate().publicKey) }

    @Test func withoutKeysEverybodySpeaks() {
        var peers = Peers()
        let first = peers.see(routes[0], key: nil, admitted: nil, now: 0)
        #expect(first == .from(PeerID(rawValue: 1)) && first == peers.see(routes[0], key: nil, admitted: nil, now: 0))
        #expect(peers.see(routes[1], key: nil, admitted: nil, now: 0) == .from(PeerID(rawValue: 2)))
        #expect(peers.keyName(of: PeerID(rawValue: 1)) == nil)
        #expect(peers.route(to: PeerID(rawValue: 2)) == routes[1])
    }

    @Test func aPeerIsWhoItsKeySays() {
        var peers = Peers()
        let admitted = AdmittedKeys([key: "a", other: "b"])
        #expect(peers.see(routes[0], key: key, admitted: admitted, now: 0) == .from(PeerID(rawValue: 1)))
        #expect(peers.see(routes[1], key: other, admitted: admitted, now: 0) == .from(PeerID(rawValue: 2)))
        #expect(peers.keyName(of: PeerID(rawValue: 1)) == "a" && peers.keyName(of: PeerID(rawValue: 2)) == "b")
        // Never seen with libzmq; nothing comes of it.
        #expect(peers.see(routes[2], key: nil, admitted: admitted, now: 0) == .dropped)
        #expect(peers.count == 2)
    }

    @Test func theRevokedAreCutOffAndToldNowAndThen() {
        var peers = Peers()
        _ = peers.see(routes[0], key: key, admitted: AdmittedKeys([key: "a", other: "b"]), now: 0)
        _ = peers.see(routes[1], key: other, admitted: AdmittedKeys([key: "a", other: "b"]), now: 0)
        let left = AdmittedKeys([other: "b"])
        let revoked = peers.revoke(notIn: left, now: 0)
        #expect(revoked.map(\.0) == [PeerID(rawValue: 1)] && revoked.map(\.keyName) == ["a"])
        // Before the link's owner has forgotten it, and after.
        #expect(peers.see(routes[0], key: key, admitted: left, now: 1) == .dropped)
        peers.forget(PeerID(rawValue: 1))
        #expect(peers.see(routes[0], key: key, admitted: left, now: 2) == .dropped)
        let again = peers.see(routes[0], key: key, admitted: left, now: Peers.patience)
        #expect(again == .revoked(PeerID(rawValue: 3), keyName: "a"))
        #expect(peers.route(to: PeerID(rawValue: 3)) == routes[0])
        #expect(peers.see(routes[0], key: key, admitted: left, now: Peers.patience + 1) == .dropped)
        #expect(peers.see(routes[1], key: other, admitted: left, now: 2) == .from(PeerID(rawValue: 2)))
        // Admitted again, it has to come in again.
        #expect(peers.see(routes[0], key: key, admitted: AdmittedKeys([key: "a"]), now: 2) == .dropped)
    }

    @Test func whoCameInJustBeforeTheRevocationIsNotHeard() {
        var peers = Peers()
        let verdict = peers.see(
            routes[0], key: key, admitted: AdmittedKeys([other: "b"]), formerName: { _ in "a" }, now: 5)
        #expect(verdict == .revoked(PeerID(rawValue: 1), keyName: "a"))
    }

    @Test func theForgottenTakeNoMemory() {
        var peers = Peers()
        for index in 0..<100_000 {
            let route = RoutingID(bytes: withUnsafeBytes(of: UInt32(index)) { [0] + Array($0) })
            guard case .from(let peer) = peers.see(route, key: nil, admitted: nil, now: 0) else { continue }
            peers.forget(peer)
        }
        #expect(peers.count == 0)
    }
}
