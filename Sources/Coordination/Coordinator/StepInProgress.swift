// The shards of one step, the running one or the next, and who holds them. Pure bookkeeping: CoordinatorCore decides, this
// remembers.

/// A shard in a worker's hands.
struct Lease: Equatable, Sendable {
    let id: UInt64
    let peer: PeerID
    let issued: Instant
    /// From here on it is late, and an idle worker may get the shard too.
    var due: Instant
    /// The worker had other shards to compute first, so the turnaround says nothing about the wire.
    let queued: Bool
}

/// One contiguous part of a step.
struct Shard: Sendable {
    enum State: Equatable, Sendable {
        /// Nobody computes it.
        case pending
        /// One worker computes it, or several since the first was late; never empty.
        case leased([Lease])
        /// Answered under lease `by`; `rivals` still compute it, and their answers will be compared.
        case done(by: UInt64, rivals: [Lease])
    }

    let range: MicrobatchRange
    var state = State.pending
    /// Leases given so far: each further one gets twice the time.
    var timesLeased = 0
    /// What workers reported that could not compute it.
    var failures: [(peer: PeerID, reason: String)] = []
    /// Workers that vanished while they held it.
    var losses: [String] = []

    init(range: MicrobatchRange) { self.range = range }

    /// Everybody who computes the shard.
    var leases: [Lease] {
        get {
            switch state {
            case .pending: []
            case .leased(let leases): leases
            case .done(_, let rivals): rivals
            }
        }
        set {
            if case .done(let by, _) = state {
                state = .done(by: by, rivals: newValue)
            } else {
                state = newValue.isEmpty ? .pending : .leased(newValue)
            }
        }
    }

    var isDone: Bool { if case .done = state { true } else { false } }

    /// Somebody computes it, and everybody who does is late.
    func isLate(_ now: Instant) -> Bool {
        guard case .leased(let leases) = state else { return false }
        return leases.allSatisfy { $0.due <= now }
    }
}

/// A step between `prepareStep` or `beginStep` and its last partials.
struct StepInProgress: Sendable {
    let number: UInt64
    let extent: StepExtent
    var shards: [Shard]

    init(number: UInt64, extent: StepExtent, ranges: [MicrobatchRange]) {
        self.number = number
        self.extent = extent
        shards = ranges.map { Shard(range: $0) }
    }

    var isComplete: Bool { shards.allSatisfy(\.isDone) }

    /// Shards that `peer` computes, those included that somebody else has answered.
    func load(of peer: PeerID) -> Int {
        shards.reduce(0) { $0 + $1.leases.count { $0.peer == peer } }
    }

    /// Microbatches that `peer` has to compute.
    func backlog(of peer: PeerID) -> Int {
        shards.reduce(0) { $0 + $1.leases.count { $0.peer == peer } * $1.range.count }
    }

    /// The shard under lease `id`, if `peer` holds it.
    func shard(of id: UInt64, heldBy peer: PeerID) -> Int? {
        shards.firstIndex { $0.leases.contains { $0.id == id && $0.peer == peer } }
    }

    mutating func add(_ lease: Lease, toShard index: Int) {
        shards[index].leases.append(lease)
        shards[index].timesLeased += 1
    }

    /// Takes back everything that `peer` holds; the indices of its shards.
    mutating func takeBack(from peer: PeerID) -> [Int] {
        let held = shards.indices.filter { shards[$0].leases.contains { $0.peer == peer } }
        for index in held { shards[index].leases.removeAll { $0.peer == peer } }
        return held
    }

    /// Takes a lease back; the shard is pending again if nobody else holds it.
    mutating func giveBack(_ id: UInt64, ofShard index: Int) {
        shards[index].leases.removeAll { $0.id == id }
    }
}
