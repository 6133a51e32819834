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
        /// The sum of the step was not finite: the arbiter computes all of its shards again. `odd`: whose were different.
        case examined(StepInProgress, left: Int, odd: [WorkerIdentity])
        /// A shard could not be computed: the run is over, in vain.
        case failed(step: UInt64)
        case stopped(GoodbyeReason)
    }

    /// Whether the user knows that nobody is there.
    enum Attendance: Sendable { case present, absent }

    /// A worker computes one shard while the next travels.
    static let leasesPerWorker = 2

    var configuration: CoordinatorConfiguration
    /// The present epoch of the run: begins as the configured one, and counts up when the run goes back.
    package internal(set) var run: RunID
    var phase = Phase.between(last: nil)
    /// The step after the present one, if `prepareStep` has leased it ahead.
    var upcoming: StepInProgress?
    /// The step that was completed last, until the next one is: its sum may turn out not to be finite, and who was late with it may
    /// answer while the next one runs.
    var completed: StepInProgress?
    var roster = Roster()
    /// What every worker has contributed unconfirmed, and who is not to come back. For the checkpoint.
    package var ledger: Ledger
    /// Shards that somebody failed on and somebody else computed, by person.
    var strikes: [String: Int] = [:]
    var attendance = Attendance.present
    /// Who has asked how the run stands.
    var askers = StatusAskers()
    var leasesIssued: UInt64 = 0
    var nextPing: Instant
    private var watch: SleepWatch

    /// - Parameter ledger: that of the run so far, if it is resumed
    package init(configuration: CoordinatorConfiguration, ledger: Ledger = Ledger(), now: Instant) {
        self.ledger = ledger
        self.configuration = configuration
        run = configuration.run
        nextPing = now
        watch = SleepWatch(tolerance: configuration.patience.pingInterval * 3, now: now)
    }

    /// The running step; nil in every other phase. Writing through it changes nothing in another phase.
    var step: StepInProgress? {
        get { if case .running(let step) = phase { step } else { nil } }
        set { if let newValue { phase = .running(newValue) } }
    }

    /// The running step, or the last one that ran.
    var latestStep: UInt64? {
        switch phase {
        case .between(let last): last
        case .running(let step), .examined(let step, _, _): step.number
        case .failed(let step): step
        case .stopped: nil
        }
    }

    /// The admitted workers, in the order in which they came.
    package var workers: [WorkerIdentity] { roster.members.map(\.identity) }

    /// Begins a step: hands out its weights, and cuts and leases it unless that has been prepared. It must follow the
    /// completed one, or be another part of it, but for a run that has gone back.
    ///
    /// - Parameters:
    ///   - task: what is made of its shards. A second round is cut and leased as the first was
    ///   - part: the microbatches to be computed here; nil: all. A relay has only a part of each step
    ///   - weights: their fingerprint; answers computed at others are not taken
    ///   - isLast: of the run. If there are audits, all of its shards are audited, so that a worker that has gone bad for good
    ///     does not reach the end undetected
    package mutating func beginStep(
        _ number: UInt64, extent: StepExtent, task: ShardTask = .gradients, part: MicrobatchRange? = nil,
        weights: UInt64, isLast: Bool = false, now: Instant
    ) -> [CoordinatorAction] {
        guard case .between(let last) = phase, last.map({ $0 < number || part != nil && $0 == number }) ?? true else {
            preconditionFailure("step \(number) cannot begin in \(phase)")
        }
        wake(now)
        // The shell may have gone back further than it was asked to: to the newest checkpoint before that.
        if last == nil { ledger.goBack(before: number) }
        // What is prepared for a later step stays so, where this is but another part of one.
        defer { if let next = upcoming, next.number <= number { upcoming = nil } }
        let part = part ?? extent.allMicrobatches
        if let upcoming, upcoming.number == number, upcoming.extent == extent, upcoming.task == task,
            upcoming.part == part
        {
            return begin(upcoming, weights, isLast: isLast, now)
        }
        let plan = planShards(of: number, task, part)
        startRunning(
            StepInProgress(number: number, extent: extent, task: task, weights: weights, ranges: plan.map(\.range)),
            isLast: isLast)
        var actions: [CoordinatorAction] = []
        for (index, entry) in plan.enumerated() {
            if let peer = entry.worker { actions += issueLease(ofShard: index, to: peer, reuses: entry.reuses, now) }
        }
        return actions + dispatch(now) + remarkAttendance()
    }

    /// Cuts and leases the step after the running one, so that its examples travel while this one is computed. What it
    /// gave to workers that are gone by then is leased anew when it begins.
    package mutating func prepareStep(
        _ number: UInt64, extent: StepExtent, task: ShardTask = .gradients, part: MicrobatchRange? = nil, now: Instant
    ) -> [CoordinatorAction] {
        guard latestStep.map({ $0 < number }) ?? true, upcoming == nil else {
            preconditionFailure("step \(number) cannot be prepared in \(phase)")
        }
        wake(now)
        guard !roster.isEmpty else { return [] }
        let plan = planShards(of: number, task, part ?? extent.allMicrobatches)
        var next = StepInProgress(number: number, extent: extent, task: task, weights: nil, ranges: plan.map(\.range))
        var actions: [CoordinatorAction] = []
        for (index, entry) in plan.enumerated() {
            guard let peer = entry.worker else { continue }
            let lease = newLease(ofShard: index, of: &next, to: peer, reuses: entry.reuses, now)
            actions.append(.lease(lease, to: peer))
        }
        upcoming = next
        return actions
    }

    /// Nobody wants the running step any more. What its workers still answer will be ignored.
    mutating func abandonStep() {
        switch phase {
        case .running, .failed: phase = .between(last: latestStep)
        case .between, .examined, .stopped: break
        }
    }

    /// A message arrived.
    ///
    /// - Parameter credential: the name of the key that the peer has authenticated itself with, if it has
    package mutating func onMessage(
        _ message: WorkerMessage, from peer: PeerID, credential: String? = nil, now: Instant
    ) -> [CoordinatorAction] {
        wake(now)
        if case .stopped(let reason) = phase, message != .statusRequest { return [.goodbye(peer, reason)] }
        switch message {
        case .hello(let hello): return onHello(hello, from: peer, credential, now)
        case .foreignHello(let build): return refuse(peer, build)
        case .partials(let partials):
            return fromWorker(peer, run: partials.run, now) { core in core.onPartials(partials, from: peer, now) }
        case .progress(let progress):
            return fromWorker(peer, run: progress.run, now) { core in core.onProgress(progress, from: peer, now) }
        case .failure(let failure):
            return fromWorker(peer, run: failure.run, now) { core in core.onFailure(failure, from: peer, now) }
        case .goodbye(_, let reason): return lose(peer, .left(reason: reason), now)
        case .statusRequest: return onStatusRequest(from: peer, now)
        }
    }

    /// Bytes arrived that are no message. A stranger is refused. A worker of ours has to begin anew, since nobody knows what it
    /// was; after a few times it is sent away, unless the bytes were damaged on their way.
    package mutating func onMalformed(
        _ failure: DecodingFailure, from peer: PeerID, now: Instant
    ) -> [CoordinatorAction] {
        wake(now)
        if let worker = roster[peer]?.identity, !failure.isDamage { note(strikeOf: worker.person) }
        let isWelcomeBack = roster[peer].map {
            strikes[$0.identity.person, default: 0] < configuration.patience.strikeLimit
        }
        let answer: CoordinatorAction =
            failure.isDamage || isWelcomeBack == true
            ? .goodbye(peer, .evicted)
            : .refuse(peer, refusal(.malformedMessage, "the coordinator got bytes from here: \(failure)"))
        return [.ignore(peer, .malformed(failure)), answer] + lose(peer, .malformedMessage(failure), now)
    }

    /// The peer's key has been revoked.
    package mutating func onRevoked(_ peer: PeerID, keyName: String, now: Instant) -> [CoordinatorAction] {
        wake(now)
        return [.refuse(peer, refusal(.notAuthorized, "key '\(keyName)' has been revoked"))] + lose(peer, .revoked, now)
    }

    /// The link to the peer may be broken: it is pinged at once and a few times more, for libzmq may not know it yet.
    package mutating func onLinkDoubt(_ peer: PeerID, now: Instant) -> [CoordinatorAction] {
        wake(now)
        guard roster[peer] != nil else { return [] }
        let interval = configuration.patience.doubtInterval
        roster[peer]?.doubt = LinkDoubt(nextPing: now + interval, interval: interval * 4, pingsLeft: 3)
        return [.ping(peer)]
    }

    /// The shell could not send to the peer, or saw its process end.
    package mutating func onUnreachable(_ peer: PeerID, now: Instant) -> [CoordinatorAction] {
        wake(now)
        return lose(peer, .unreachable, now)
    }

    /// `nextDeadline` has passed (calling earlier does no harm).
    package mutating func onDeadline(now: Instant) -> [CoordinatorAction] {
        wake(now)
        return evictSilent(now) + pingAll(now) + pingDoubtful(now) + dispatch(now)
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
        let dues = (step?.shards ?? []).filter { !$0.isSettled }.flatMap(\.leases).map(\.due).filter { $0 > watch.now }
        let doubts = roster.members.compactMap(\.doubt?.nextPing)
        return (silences + dues + doubts).reduce(nextPing, min)
    }

    /// Moves time on; if this process has slept, nobody else is to blame for what did not happen meanwhile.
    mutating func wake(_ now: Instant) {
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
