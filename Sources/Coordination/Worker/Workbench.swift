// What a worker computes and what it has queued. It outlives a change of coordinator, since a computation that is under
// way cannot be taken back.

/// The one computation and the queue behind it.
struct Workbench: Sendable {
    enum Activity: Equatable, Sendable {
        case idle
        case computing(ShardLease, microbatchesDone: UInt32)
        /// Nobody wants the result any more.
        case discarding(ShardLease)
    }

    static let queueLimit = 2

    private(set) var activity = Activity.idle
    private(set) var queue: [ShardLease] = []

    /// The step of the newest lease.
    var newestStep: UInt64? {
        if case .computing(let lease, _) = activity { return queue.last?.step ?? lease.step }
        return queue.last?.step
    }

    /// The lease under computation, if its result is wanted.
    var current: (lease: ShardLease, microbatchesDone: UInt32)? {
        if case .computing(let lease, let done) = activity { (lease, done) } else { nil }
    }

    /// Why `lease` cannot be queued; nil: it can.
    func objection(to lease: ShardLease) -> WorkerIgnoreReason? {
        if current?.lease.lease == lease.lease || queue.contains(where: { $0.lease == lease.lease }) {
            return .duplicateLease(lease.lease)
        }
        if let newest = newestStep, lease.step < newest { return .staleStep(current: newest, got: lease.step) }
        let alive = queue.count { $0.step == lease.step }
        return alive < Self.queueLimit ? nil : .queueFull(limit: Self.queueLimit)
    }

    /// Queues a lease without objection, drops queued ones of older steps, and starts if nothing is under way.
    mutating func put(_ lease: ShardLease) -> [WorkerAction] {
        let outdated = queue.filter { $0.step < lease.step }
        queue.removeAll { $0.step < lease.step }
        queue.append(lease)
        return [.keep(lease)] + outdated.map { .drop($0) } + startNext()
    }

    mutating func progressed(_ lease: UInt64, microbatchesDone: UInt32) {
        guard let current, current.lease.lease == lease else { return }
        activity = .computing(current.lease, microbatchesDone: microbatchesDone)
    }

    /// The computation under way has ended: its lease, or nil if nobody wants it.
    mutating func ended() -> ShardLease? {
        defer { activity = .idle }
        return current?.lease
    }

    mutating func startNext() -> [WorkerAction] {
        guard activity == .idle, !queue.isEmpty else { return [] }
        let lease = queue.removeFirst()
        activity = .computing(lease, microbatchesDone: 0)
        return [.compute(lease)]
    }

    /// Nobody wants anything any more: the queue is dropped, the computation's result will be.
    mutating func clear() -> [WorkerAction] {
        if case .computing(let lease, _) = activity { activity = .discarding(lease) }
        defer { queue.removeAll() }
        return queue.map { .drop($0) }
    }
}
