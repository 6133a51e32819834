// Who of the connected may speak, and under which name. No socket: that is `RouterLink`'s.
package import Coordination
package import Messaging

/// The peers of a link by their connections, and with keys, by who they are. The routing ids of libzmq become the small numbers
/// that the core knows.
package struct Peers {
    private struct Peer {
        let id: PeerID
        let key: PublicKey?
        let keyName: String?
    }

    /// What to do with a message.
    package enum Verdict: Equatable {
        case from(PeerID)
        /// Its key is not admitted any more: tell it, under this id.
        case revoked(PeerID, keyName: String)
        /// The same, and it was told a moment ago.
        case dropped
    }

    /// Nanoseconds between two answers to a peer who goes on talking after its key was revoked.
    package static let patience: UInt64 = 1_000_000_000

    private var peers: [RoutingID: Peer] = [:]
    private var routes: [PeerID: RoutingID] = [:]
    private var lastID: UInt64 = 0
    /// Connections whose key was revoked, and when they were told last. No more than were admitted at that time: libzmq keeps them,
    /// and lets no others in.
    private var cutOff: [RoutingID: (keyName: String, told: UInt64)] = [:]
    package init() {}

    /// How many are known at present.
    package var count: Int { peers.count }

    package func route(to id: PeerID) -> RoutingID? { routes[id] }

    package func keyName(of id: PeerID) -> String? { routes[id].flatMap { peers[$0]?.keyName } }

    /// - Parameters:
    ///   - key: what the connection has proved; asked only of a new one
    ///   - admitted: nil on a link without keys
    ///   - formerName: of a key that is not admitted any more
    package mutating func see(
        _ route: RoutingID, key: @autoclosure () -> PublicKey?, admitted: AdmittedKeys?,
        formerName: (PublicKey) -> String? = { _ in nil }, now: @autoclosure () -> UInt64
    ) -> Verdict {
        if let (name, told) = cutOff[route] {
            let now = now()
            return now < told + Self.patience ? .dropped : tellOff(route, name, now)
        }
        if let peer = peers[route] { return .from(peer.id) }
        guard let admitted else { return .from(add(route, key: nil, name: nil)) }
        // Never without a key: libzmq has asked the gatekeeper. But it may have been revoked since.
        guard let key = key() else { return .dropped }
        guard let name = admitted.name(of: key) else { return tellOff(route, formerName(key) ?? "\(key)", now()) }
        return .from(add(route, key: key, name: name))
    }

    private mutating func tellOff(_ route: RoutingID, _ name: String, _ now: UInt64) -> Verdict {
        cutOff[route] = (name, now)
        return .revoked(peers[route]?.id ?? add(route, key: nil, name: name), keyName: name)
    }

    private mutating func add(_ route: RoutingID, key: PublicKey?, name: String?) -> PeerID {
        lastID += 1
        let id = PeerID(rawValue: lastID)
        peers[route] = Peer(id: id, key: key, keyName: name)
        routes[id] = route
        return id
    }

    /// What it may still say comes from a new peer.
    package mutating func forget(_ id: PeerID) {
        guard let route = routes.removeValue(forKey: id) else { return }
        peers[route] = nil
    }

    /// Who is in, and would not come in any more.
    package mutating func revoke(notIn admitted: AdmittedKeys, now: UInt64) -> [(PeerID, keyName: String)] {
        let revoked = peers.filter { $0.value.key.map { admitted.name(of: $0) == nil } ?? false }
        for (route, peer) in revoked { cutOff[route] = (peer.keyName ?? "", now) }
        return revoked.values.map { ($0.id, $0.keyName ?? "") }.sorted { $0.0.rawValue < $1.0.rawValue }
    }
}
