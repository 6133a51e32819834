// The coordinator as a pure state machine: who works, who holds which shard, what is late, what is done. No socket, no
// clock, no gradient: the shell carries out the actions, owns the tree, and calls back no later than `nextDeadline`.
// The full table of states and events is in docs/protocol.md.

/// Admits workers, leases shards, accepts the first answer for each, and survives everybody's disappearance.
package struct CoordinatorCore: Sendable {
    /// Where the run stands.
    enum Phase: Sendable {
        /// No step is running; the last one, if any, is named.
        case between(last: UInt64?)
        case running(StepInProgress)
        /// A shard could not be computed: the run is over, in vain.
        case failed(step: UInt64)
        case stopped(GoodbyeReason)
    }

    /// Whether the user knows that nobody is there.
    enum Attendance: Sendable { case present, absent }

    /// A worker computes one shard while the next travels.
    static let leasesPerWorker = 2

    let configuration: CoordinatorConfiguration
    var phase = Phase.between(last: nil)
    /// The step after the present one, if `prepareStep` has leased it ahead.
    var upcoming: StepInProgress?
    var roster = Roster()
    var attendance = Attendance.present
    var leasesIssued: UInt64 = 0
    var nextPing: Instant
    private var watch: SleepWatch

    package init(configuration: CoordinatorConfiguration, now: Instant) {
        self.configuration = configuration
        nextPing = now
        watch = SleepWatch(tolerance: configuration.patience.pingInterval * 3, now: now)
    }

    /// The running step; nil in every other phase. Writing through it changes nothing in another phase.
    var step: StepInProgress? {
        get { if case .running(let step) = phase { step } else { nil } }
        set { if let newValue { phase = .running(newValue) } }
    }

    /// The admitted workers, in the order in which they came.
    package var workers: [WorkerIdentity] { roster.members.map(\.identity) }

    /// Begins a step: hands out its weights, and cuts and leases it unless that has been prepared. It must follow the
    /// completed one.
    package mutating func beginStep(_ number: UInt64, extent: StepExtent, now: Instant) -> [CoordinatorAction] {
        guard case .between(let last) = phase, last.map({ $0 < number }) ?? true else {
            preconditionFailure("step \(number) cannot begin in \(phase)")
        }
        wake(now)
        defer { upcoming = nil }
        if let upcoming, upcoming.number == number, upcoming.extent == extent { return begin(upcoming, now) }
        let plan = planShards(extent)
        phase = .running(StepInProgress(number: number, extent: extent, ranges: plan.map(\.range)))
        var actions: [CoordinatorAction] = []
        for (index, entry) in plan.enumerated() {
            if let peer = entry.worker { actions += issueLease(ofShard: index, to: peer, now) }
        }
        return actions + remarkAttendance()
    }

    /// Cuts and leases the step after the running one, so that its examples travel while this one is computed. What it
    /// gave to workers that are gone by then is leased anew when it begins.
    package mutating func prepareStep(_ number: UInt64, extent: StepExtent, now: Instant) -> [CoordinatorAction] {
        guard let step, step.number < number, upcoming == nil else {
            preconditionFailure("step \(number) cannot be prepared in \(phase)")
        }
        wake(now)
        guard !roster.isEmpty else { return [] }
        let plan = planShards(extent)
        var next = StepInProgress(number: number, extent: extent, ranges: plan.map(\.range))
        var actions: [CoordinatorAction] = []
        for (index, entry) in plan.enumerated() {
            if let peer = entry.worker {
                actions.append(.lease(newLease(ofShard: index, of: &next, to: peer, now), to: peer))
            }
        }
        upcoming = next
        return actions
    }

    /// A message arrived.
    package mutating func onMessage(
        _ message: WorkerMessage, from peer: PeerID, now: Instant
    ) -> [CoordinatorAction] {
        wake(now)
        if case .stopped(let reason) = phase { return [.goodbye(peer, reason)] }
        switch message {
        case .hello(let hello): return onHello(hello, from: peer, now)
        case .foreignHello(let build): return refuse(peer, build)
        case .partials(let partials):
            return fromWorker(peer, run: partials.run, now) { core in core.onPartials(partials, from: peer, now) }
        case .progress(let progress):
            return fromWorker(peer, run: progress.run, now) { core in core.onProgress(progress, from: peer, now) }
        case .failure(let failure):
            return fromWorker(peer, run: failure.run, now) { core in core.onFailure(failure, from: peer, now) }
        case .goodbye(_, let reason): return lose(peer, .left(reason: reason), now)
        }
    }

    /// Bytes arrived that are no message: a worker that sends such is evicted, since its next one may be no better.
    package mutating func onMalformed(
        _ failure: DecodingFailure, from peer: PeerID, now: Instant
    ) -> [CoordinatorAction] {
        wake(now)
        let refusal = Refuse(
            code: .malformedMessage, build: configuration.build,
            reason: "the coordinator got bytes from here: \(failure)")
        return [.refuse(peer, refusal)] + lose(peer, .malformedMessage(failure), now)
    }

    /// The shell could not send to the peer, or saw its process end.
    package mutating func onUnreachable(_ peer: PeerID, now: Instant) -> [CoordinatorAction] {
        wake(now)
        return lose(peer, .unreachable, now)
    }

    /// `nextDeadline` has passed (calling earlier does no harm).
    package mutating func onDeadline(now: Instant) -> [CoordinatorAction] {
        wake(now)
        return evictSilent(now) + pingAll(now) + dispatch(now)
    }

    /// The run ends. Everybody is sent home; whoever says something later is sent home too.
    package mutating func stop(_ reason: GoodbyeReason, now: Instant) -> [CoordinatorAction] {
        wake(now)
        defer { roster.removeAll() }
        upcoming = nil
        phase = .stopped(reason)
        return roster.members.map { .goodbye($0.peer, reason) }
    }

    /// When `onDeadline` must be called at the latest; nil: only a message can bring something to do.
    package var nextDeadline: Instant? {
        guard !roster.isEmpty else { return nil }
        let silences = roster.members.map { $0.heard + configuration.patience.silenceLimit }
        let dues = (step?.shards ?? []).filter { !$0.isDone }.flatMap(\.leases).map(\.due).filter { $0 > watch.now }
        return (silences + dues).reduce(nextPing, min)
    }

    /// Moves time on; if this process has slept, nobody else is to blame for what did not happen meanwhile.
    private mutating func wake(_ now: Instant) {
        guard let slept = watch.advance(to: now) else { return }
        roster.forEach { $0.heard = min($0.heard + slept, now) }
        guard var step else { return }
        for index in step.shards.indices {
            step.shards[index].leases = step.shards[index].leases.map { lease in
                var lease = lease
                lease.due = lease.due + slept
                return lease
            }
        }
        self.step = step
    }
}
