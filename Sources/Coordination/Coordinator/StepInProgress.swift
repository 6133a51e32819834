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
    /// The lease of the first round whose images its holder has; 0: none.
    var reuses: UInt64 = 0
}

/// The sums of a shard: who computed them, and their bits as fingerprints.
struct Answer: Equatable, Sendable {
    let lease: UInt64
    let worker: WorkerIdentity
    let nodes: [NodeSummary]
    /// Its number among the results of this person that were used; nil: it was not.
    var number: Int?
}

/// One contiguous part of a step.
struct Shard: Sendable {
    enum State: Equatable, Sendable {
        /// Nobody computes it.
        case pending
        /// One worker computes it, or several since the first was late; never empty.
        case leased([Lease])
        /// The first answer; `rivals` still compute it, and their answers will be compared.
        case done(by: Answer, rivals: [Lease])
    }

    /// What is known about the first answer.
    enum Audit: Equatable, Sendable {
        case notWanted
        /// The step waits for a second answer.
        case wanted
        /// The second answer has other bits: the step waits for the arbiter's. `by`: whose it is.
        case disputed(by: Answer)
        /// The arbiter computes it, since nobody else is there.
        case alone
        case settled
    }

    let range: MicrobatchRange
    var state = State.pending
    var audit = Audit.notWanted
    /// Leases given so far: each further one gets twice the time.
    var timesLeased = 0
    /// What workers reported that could not compute it.
    var failures: [(worker: WorkerIdentity, reason: String)] = []
    /// Workers that vanished while they held it, and when the last of them did.
    var losses: [String] = []
    var lastLoss: Instant?

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

    /// Who could not compute it.
    var failedPersons: Set<String> { Set(failures.map(\.worker.person)) }

    var isDone: Bool { if case .done = state { true } else { false } }

    /// Answered, and no longer in doubt.
    var isSettled: Bool { isDone && (audit == .notWanted || audit == .settled) }

    var answer: Answer? { if case .done(let answer, _) = state { answer } else { nil } }

    /// It is to be audited, and nobody who is in time works on a second answer: fewer than two have it or have answered.
    func wantsAuditor(_ now: Instant) -> Bool {
        guard audit == .wanted else { return false }
        return leases.count { $0.due > now } + (isDone ? 1 : 0) < 2
    }

    /// Somebody computes it, and everybody who does is late.
    func isLate(_ now: Instant) -> Bool {
        guard case .leased(let leases) = state else { return false }
        return leases.allSatisfy { $0.due <= now }
    }
}

/// A step, or a relay's part of one, between `prepareStep` or `beginStep` and its last partials.
struct StepInProgress: Sendable {
    let number: UInt64
    /// Of the whole step.
    let extent: StepExtent
    let task: ShardTask
    /// Fingerprint of its weights; nil while it is only prepared.
    let weights: UInt64?
    /// In order, without gaps.
    var shards: [Shard]

    init(number: UInt64, extent: StepExtent, task: ShardTask, weights: UInt64?, ranges: [MicrobatchRange]) {
        self.number = number
        self.extent = extent
        self.task = task
        self.weights = weights
        shards = ranges.map { Shard(range: $0) }
    }

    /// The microbatches that the shards are cut from; nil without shards.
    var part: MicrobatchRange? {
        guard let first = shards.first?.range.first, let end = shards.last?.range.end else { return nil }
        return MicrobatchRange(first: first, count: end - first)
    }

    var isComplete: Bool { shards.allSatisfy(\.isSettled) }

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
