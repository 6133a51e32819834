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
    /// Somebody else was given its late shard, and it has not said anything since: it gets nothing more until it does.
    var isStalled = false
    /// When to try a link that may be broken again, and after that how soon.
    var doubt: LinkDoubt?
    var counters = WorkerCounters()

    var peer: PeerID { identity.peer }
}

/// A list with lookup by peer; its order makes every decision of the core reproducible.
struct Roster: Sendable {
    private(set) var members: [Member] = []

    var isEmpty: Bool { members.isEmpty }

    /// Those who may be given something to do: all but the stalled ones, unless there are no others.
    var responsive: [Member] {
        let awake = members.filter { !$0.isStalled }
        return awake.isEmpty ? members : awake
    }

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

    /// Changes a member where it lies: through the subscript it would be copied, and its counters with it.
    mutating func update(_ peer: PeerID, _ body: (inout Member) -> Void) {
        guard let index = members.firstIndex(where: { $0.peer == peer }) else { return }
        body(&members[index])
    }

    mutating func forEach(_ body: (inout Member) -> Void) {
        for index in members.indices { body(&members[index]) }
    }

    mutating func removeAll() { members.removeAll() }
}

/// A link that may be broken: pings will tell.
struct LinkDoubt: Sendable {
    var nextPing: Instant
    var interval: Duration
    var pingsLeft: Int
}
