// What a worker computes, what it has queued, and which step's weights it has. It outlives a change of coordinator, since a
// computation that is under way cannot be taken back.

/// The one computation and the queue behind it.
struct Workbench: Sendable {
    enum Activity: Equatable, Sendable {
        case idle(since: Instant)
        case computing(Job, microbatchesDone: UInt32)
        /// Nobody wants the result any more.
        case discarding(ShardLease)
    }

    /// A shard under computation, with the times of its life so far.
    struct Job: Equatable, Sendable {
        let lease: ShardLease
        let idle: Instant
        let ready: Instant
        let began: Instant
    }

    /// Leases of one step that wait; a coordinator may give those of the next step ahead of its weights.
    static let queueLimit = 2

    private(set) var activity: Activity
    private(set) var queue: [ShardLease] = []
    /// The step whose weights are here: leases of later ones wait for theirs.
    private(set) var weightsStep: UInt64?
    /// When the last message came that gave something to compute.
    private var ready: Instant

    init(now: Instant) {
        activity = .idle(since: now)
        ready = now
    }

    /// The lease under computation, if its result is wanted.
    var current: (lease: ShardLease, microbatchesDone: UInt32)? {
        if case .computing(let job, let done) = activity { (job.lease, done) } else { nil }
    }

    /// What will be computed next, as things are.
    var next: ShardLease? { queue.first { $0.step == weightsStep } }

    /// Why `lease` cannot be queued; nil: it can.
    func objection(to lease: ShardLease) -> WorkerIgnoreReason? {
        if current?.lease.lease == lease.lease || queue.contains(where: { $0.lease == lease.lease }) {
            return .duplicateLease(lease.lease)
        }
        if let weightsStep, lease.step < weightsStep { return .staleStep(current: weightsStep, got: lease.step) }
        if let displaced = displaced(by: lease), displaced.lease > lease.lease {
            return .queueFull(limit: Self.queueLimit)
        }
        return nil
    }

    /// Whose place `lease` takes where the queue is full: the oldest's. A coordinator knows of two leases a step at most, so that
    /// one is of a time before it gave us up; to refuse the newest would leave it waiting for an answer that never comes.
    private func displaced(by lease: ShardLease) -> ShardLease? {
        let rivals = queue.filter { $0.step == lease.step }
        if rivals.count >= Self.queueLimit { return rivals.min { $0.lease < $1.lease } }
        return queue.count >= 2 * Self.queueLimit ? queue.min { $0.lease < $1.lease } : nil
    }

    /// Queues a lease without objection, and starts it if its weights are there and nothing is under way.
    mutating func put(_ lease: ShardLease, now: Instant) -> [WorkerAction] {
        let displaced = displaced(by: lease)
        if let displaced { queue.removeAll { $0 == displaced } }
        queue.append(lease)
        if lease.step == weightsStep { ready = now }
        return (displaced.map { [.drop($0)] } ?? []) + [.keep(lease)] + startNext(now)
    }

    /// The weights of a step are here, perhaps again: the coordinator thinks that those we had were lost or damaged. What is
    /// queued of older steps is dropped: its step is over.
    mutating func takeWeights(of step: UInt64, now: Instant) -> [WorkerAction] {
        if let weightsStep, step < weightsStep { return [.ignore(.staleStep(current: weightsStep, got: step))] }
        weightsStep = step
        ready = now
        let outdated = queue.filter { $0.step < step }
        queue.removeAll { $0.step < step }
        return [.keepWeights(step: step)] + outdated.map { .drop($0) } + startNext(now)
    }

    mutating func progressed(_ lease: UInt64, microbatchesDone: UInt32) {
        guard case .computing(let job, _) = activity, job.lease.lease == lease else { return }
        activity = .computing(job, microbatchesDone: microbatchesDone)
    }

    /// The computation under way has ended: its lease and times, or nil if nobody wants it.
    mutating func ended(now: Instant) -> (lease: ShardLease, times: WorkTimes)? {
        defer { activity = .idle(since: now) }
        guard case .computing(let job, _) = activity else { return nil }
        return (job.lease, WorkTimes(idle: job.idle, ready: job.ready, began: job.began, ended: now))
    }

    mutating func startNext(_ now: Instant) -> [WorkerAction] {
        guard case .idle(let since) = activity, let lease = next else { return [] }
        queue.removeAll { $0 == lease }
        activity = .computing(Job(lease: lease, idle: since, ready: ready, began: now), microbatchesDone: 0)
        return [.compute(lease)]
    }

    /// Nobody wants anything any more: queue and weights are dropped, the computation's result will be.
    mutating func clear() -> [WorkerAction] {
        if case .computing(let job, _) = activity { activity = .discarding(job.lease) }
        weightsStep = nil
        defer { queue.removeAll() }
        return queue.map { .drop($0) }
    }
}
