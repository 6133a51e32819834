// Who asks how a run stands, and how often they get an answer. A list of fixed length: strangers cannot make it grow.

/// The last peers that have asked.
struct StatusAskers: Sendable {
    /// Between two answers to one peer.
    static let interval = Duration.milliseconds(100)
    static let capacity = 64

    private var askers: [(peer: PeerID, answered: Instant)] = []

    /// Whether the peer gets an answer; and the one that has to be forgotten for it, if there is.
    mutating func ask(_ peer: PeerID, _ now: Instant) -> (isAnswered: Bool, forgotten: PeerID?) {
        if let index = askers.firstIndex(where: { $0.peer == peer }) {
            guard askers[index].answered + Self.interval <= now else { return (false, nil) }
            askers.remove(at: index)
            askers.append((peer, now))
            return (true, nil)
        }
        let forgotten = askers.count < Self.capacity ? nil : askers.removeFirst().peer
        askers.append((peer, now))
        return (true, forgotten)
    }
}
