// The admitted workers, in the order in which they came. Not their leases: those belong to the step.

/// What the coordinator remembers of one worker.
struct Member: Sendable {
    let identity: WorkerIdentity
    /// When it last said anything.
    var heard: Instant
    /// When it last said that it has nothing to do; nil if the last thing it said was something else.
    var saidIdle: Instant?
    var speed = WorkerSpeed()
    /// The step whose weights it was sent last.
    var weightsStep: UInt64?

    var peer: PeerID { identity.peer }
}

/// A list with lookup by peer; its order makes every decision of the core reproducible.
struct Roster: Sendable {
    private(set) var members: [Member] = []

    var isEmpty: Bool { members.isEmpty }

    subscript(peer: PeerID) -> Member? {
        get { members.first { $0.peer == peer } }
        set {
            guard let index = members.firstIndex(where: { $0.peer == peer }) else {
                if let newValue { members.append(newValue) }
                return
            }
            if let newValue { members[index] = newValue } else { members.remove(at: index) }
        }
    }

    mutating func forEach(_ body: (inout Member) -> Void) {
        for index in members.indices { body(&members[index]) }
    }

    mutating func removeAll() { members.removeAll() }
}
