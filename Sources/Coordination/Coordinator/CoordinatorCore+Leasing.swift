// Part of CoordinatorCore: which worker gets which shard, and until when.

extension CoordinatorCore {
    /// A shard that is to be, the worker it is cut for, and the lease of the first round whose images that has (0: none).
    typealias PlannedShard = (range: MicrobatchRange, worker: PeerID?, reuses: UInt64)

    /// The shards of a new step. A second round goes to those who did the first.
    mutating func planShards(
        of number: UInt64, _ task: ShardTask, _ part: MicrobatchRange
    ) -> [PlannedShard] {
        if task == .gradientsOfLatents, let plan = planSecondRound(number, part) { return plan }
        return planBySpeed(part)
    }

    /// As the first round of the same step was leased; nil: it is none of this coordinator's time, or was another part. Whoever did
    /// more than a worker may hold gets the rest when he has room, if nobody else has it before.
    private func planSecondRound(_ number: UInt64, _ part: MicrobatchRange) -> [PlannedShard]? {
        guard let first = firstRound(of: number), first.part == part else { return nil }
        var loads: [PeerID: Int] = [:]
        return first.shards.map { shard in
            guard let (peer, lease) = holder(ofFirst: shard), loads[peer, default: 0] < Self.leasesPerWorker else {
                return (shard.range, nil, 0)
            }
            loads[peer, default: 0] += 1
            return (shard.range, peer, lease)
        }
    }

    /// The first round that the second round of this number follows.
    private func firstRound(of number: UInt64) -> StepInProgress? {
        [step, completed].compactMap { $0 }.first { $0.number + 1 == number && $0.task == .embeddings }
    }

    /// Who has the images of a first round's shard, in this life, and may be given something; and under which lease.
    private func holder(ofFirst shard: Shard) -> (peer: PeerID, lease: UInt64)? {
        if let answer = shard.answer {
            guard let member = roster[answer.worker.peer], member.identity == answer.worker, !member.isStalled else {
                return nil
            }
            return (member.peer, answer.lease)
        }
        return shard.leases.first.flatMap { lease in
            roster[lease.peer]?.isStalled == false ? (lease.peer, lease.id) : nil
        }
    }

    /// The lease of the first round whose images `peer` has for a shard that nobody has been given yet; 0: none.
    private func reusable(shard index: Int, by peer: PeerID) -> UInt64 {
        guard let step, step.task == .gradientsOfLatents, step.shards[index].timesLeased == 0,
            let shard = firstRound(of: step.number)?.shards.first(where: { $0.range == step.shards[index].range }),
            let holder = holder(ofFirst: shard), holder.peer == peer
        else { return 0 }
        return holder.lease
    }

    /// In proportion to measured speed. Without workers: one shard, for whoever comes.
    private mutating func planBySpeed(_ part: MicrobatchRange) -> [PlannedShard] {
        guard !roster.isEmpty else { return [(part, nil, 0)] }
        let members = roster.responsive
        let speeds = members.map(\.speed.microbatchesPerSecond)
        let ranges = ShardPlan.ranges(of: part, speeds: speeds)
        var plan: [PlannedShard] = []
        for (member, range) in zip(members, ranges) {
            if let range { plan.append((range, member.peer, 0)) } else { roster[member.peer]?.speed.stayedIdle() }
        }
        return plan
    }

    /// The step begins; some of its shards will be audited.
    mutating func startRunning(_ step: StepInProgress, isLast: Bool) {
        var step = step
        if let audit = configuration.audit {
            for index in step.shards.indices
            where isLast || audit.audits(step: step.number, range: step.shards[index].range) {
                step.shards[index].audit = .wanted
            }
        }
        phase = .running(step)
    }

    /// Leases a shard of the running step, with the weights if the worker may not have them.
    mutating func issueLease(
        ofShard index: Int, to peer: PeerID, reuses: UInt64 = 0, _ now: Instant
    ) -> [CoordinatorAction] {
        guard var step else { preconditionFailure("a lease without a step") }
        let lease = newLease(ofShard: index, of: &step, to: peer, reuses: reuses, now)
        self.step = step
        return sendWeights(to: peer) + [.lease(lease, to: peer)]
    }

    /// Leases a shard of `step`, which may be the next one.
    mutating func newLease(
        ofShard index: Int, of step: inout StepInProgress, to peer: PeerID, reuses: UInt64, _ now: Instant
    ) -> ShardLease {
        leasesIssued += 1
        step.add(
            lease(leasesIssued, ofShard: index, of: step, to: peer, reuses: reuses, now), toShard: index)
        return wireLease(leasesIssued, ofShard: index, in: step, reuses: reuses)
    }

    /// A lease from now on, of a worker with whatever else it holds of `step`.
    private func lease(
        _ id: UInt64, ofShard index: Int, of step: StepInProgress, to peer: PeerID, reuses: UInt64, _ now: Instant
    ) -> Lease {
        Lease(
            id: id, peer: peer, issued: now, due: now + leaseTime(ofShard: index, for: peer, in: step),
            queued: step.load(of: peer) > 0, reuses: reuses)
    }

    /// The prepared step begins: its leases are as if given now, and what was meant for workers that are gone, or do not answer,
    /// goes to others.
    mutating func begin(
        _ prepared: StepInProgress, _ weights: UInt64, isLast: Bool, _ now: Instant
    ) -> [CoordinatorAction] {
        var step = StepInProgress(
            number: prepared.number, extent: prepared.extent, task: prepared.task, weights: weights,
            ranges: prepared.shards.map(\.range))
        for (index, shard) in prepared.shards.enumerated() {
            for held in shard.leases where roster[held.peer]?.isStalled != true {
                step.add(
                    lease(held.id, ofShard: index, of: step, to: held.peer, reuses: held.reuses, now), toShard: index)
            }
        }
        startRunning(step, isLast: isLast)
        var actions: [CoordinatorAction] = []
        for member in roster.members where step.load(of: member.peer) > 0 { actions += sendWeights(to: member.peer) }
        return actions + dispatch(now) + remarkAttendance()
    }

    private mutating func sendWeights(to peer: PeerID) -> [CoordinatorAction] {
        guard let step, let before = roster[peer].map(\.weightsStep), before != step.number else { return [] }
        roster[peer]?.weightsStep = step.number
        let isSecond = step.task == .gradientsOfLatents && before.map { $0 &+ 1 } == step.number
        return [isSecond ? .latentGradients(step: step.number, to: peer) : .weights(step: step.number, to: peer)]
    }

    /// A lease as it is sent. Whoever but reads it needs not know whether its images were.
    func wireLease(_ id: UInt64, ofShard index: Int, in step: StepInProgress, reuses: UInt64 = 0) -> ShardLease {
        ShardLease(
            run: run, step: step.number, shard: UInt32(index), lease: id,
            range: step.shards[index].range, extent: step.extent, imagesPerExample: configuration.imagesPerExample,
            task: step.task, reuses: reuses)
    }

    /// Expected time by measured speed, times a generous factor; twice as long for every lease that the shard has had,
    /// so that no link is too slow for ever.
    private func leaseTime(ofShard index: Int, for peer: PeerID, in step: StepInProgress) -> Duration {
        let patience = configuration.patience
        let shard = step.shards[index]
        let backoff = UInt64(1) << min(shard.timesLeased, 6)
        guard let speed = roster[peer]?.speed.microbatchesPerSecond else { return patience.unmeasuredLease * backoff }
        let expected = Double(step.backlog(of: peer) + shard.range.count) * step.task.cost / speed
        return max(patience.leaseFloor, Duration(seconds: patience.leaseFactor * expected)) * backoff
    }

    /// Gives pending shards to the workers with the least to do, then audited ones to second workers, then late ones to workers
    /// that have nothing to do.
    mutating func dispatch(_ now: Instant) -> [CoordinatorAction] {
        takeBackLost(now)
        var actions: [CoordinatorAction] = []
        while let index = step?.shards.firstIndex(where: { $0.state == .pending }),
            let peer = bestWorker(forShard: index, maximumLoad: Self.leasesPerWorker - 1)
        {
            actions += issueLease(ofShard: index, to: peer, reuses: reusable(shard: index, by: peer), now)
        }
        if configuration.audit != nil { actions += dispatchAudits(now) }
        for index in step?.shards.indices ?? 0..<0 where step?.shards[index].isLate(now) == true {
            if let peer = bestWorker(forShard: index, maximumLoad: 0) {
                noteLate(shard: index)
                actions += issueLease(ofShard: index, to: peer, now)
            }
        }
        return actions
    }

    /// Somebody else does what these should have done: until they speak they get nothing more.
    private mutating func noteLate(shard index: Int) {
        for lease in step?.shards[index].leases ?? [] where roster[lease.peer]?.isStalled == false {
            roster[lease.peer]?.isStalled = true
            roster[lease.peer]?.counters.late += 1
        }
    }

    /// A second worker for every shard that wants an audit; the arbiter where there is no other person.
    private mutating func dispatchAudits(_ now: Instant) -> [CoordinatorAction] {
        var actions: [CoordinatorAction] = []
        for index in step?.shards.indices ?? 0..<0 {
            guard let step, step.shards[index].wantsAuditor(now) else { continue }
            let shard = step.shards[index]
            if shard.leases.allSatisfy({ $0.due <= now }) { noteLate(shard: index) }
            let involved =
                [shard.answer?.worker].compactMap { $0 } + shard.leases.compactMap { roster[$0.peer]?.identity }
            if let peer = auditor(forShard: index, besides: involved) {
                actions += issueLease(ofShard: index, to: peer, now)
            } else if let answer = shard.answer,
                roster.members.allSatisfy({ $0.identity.person == answer.worker.person || $0.isStalled })
            {
                self.step?.shards[index].audit = .alone
                actions.append(.arbitrate(wireLease(answer.lease, ofShard: index, in: step)))
            }
        }
        return actions
    }

    /// Another person, if possible of another key: what shares a key may share a machine.
    private func auditor(forShard index: Int, besides involved: [WorkerIdentity]) -> PeerID? {
        let (persons, keys) = (Set(involved.map(\.person)), Set(involved.compactMap(\.key)))
        let load = Self.leasesPerWorker - 1
        return bestWorker(forShard: index, maximumLoad: load) {
            $0.key.map(keys.contains) != true && !persons.contains($0.person)
        }
            ?? bestWorker(forShard: index, maximumLoad: load) { !persons.contains($0.person) }
    }

    /// A lease whose holder says, after it was due, that it has nothing to do was lost on the way, or its weights or its
    /// answer were. Also where the shard is done: it would count as work of somebody who is free to audit another.
    private mutating func takeBackLost(_ now: Instant) {
        guard let shards = step?.shards else { return }
        for (index, shard) in shards.enumerated() {
            for lease in shard.leases where lease.due <= now {
                guard let saidIdle = roster[lease.peer]?.saidIdle, saidIdle >= lease.due else { continue }
                step?.giveBack(lease.id, ofShard: index)
                roster[lease.peer]?.weightsStep = nil
            }
        }
    }

    /// Among those with at most `maximumLoad` leases: who has least to do, is fastest, came first. Nobody who has failed with this
    /// shard, while somebody is here who has not, however busy: he will have time.
    private func bestWorker(
        forShard index: Int, maximumLoad: Int, who isSuitable: (WorkerIdentity) -> Bool = { _ in true }
    ) -> PeerID? {
        guard let step else { return nil }
        let shard = step.shards[index]
        let failed = shard.failedPersons
        let isAnybodyFresh = roster.members.contains {
            isSuitable($0.identity) && !failed.contains($0.identity.person)
        }
        let able = roster.responsive.filter {
            step.load(of: $0.peer) <= maximumLoad && isSuitable($0.identity) && isSafe(shard, for: $0)
                && !(isAnybodyFresh && failed.contains($0.identity.person))
        }
        return able.min { left, right in
            let (leftLoad, rightLoad) = (step.load(of: left.peer), step.load(of: right.peer))
            if leftLoad != rightLoad { return leftLoad < rightLoad }
            return left.speed.microbatchesPerSecond ?? 0 > right.speed.microbatchesPerSecond ?? 0
        }?.peer
    }

    /// When all workers die at once, each one's death is noticed by itself, and a shard would be passed from one dead hand to
    /// the next as if it were what kills them. So after two losses only somebody gets it who has spoken since.
    private func isSafe(_ shard: Shard, for member: Member) -> Bool {
        guard shard.losses.count >= 2, let lastLoss = shard.lastLoss else { return true }
        return member.heard > lastLoss
    }

    /// Everything `worker` held is pending again, unless others hold it too. Fails the step if a shard has seen too many
    /// workers vanish.
    mutating func takeBackLeases(of worker: WorkerIdentity, vanished: Bool, _ now: Instant) -> [CoordinatorAction] {
        _ = upcoming?.takeBack(from: worker.peer)
        guard var step else { return [] }
        for index in step.takeBack(from: worker.peer) where vanished && !step.shards[index].isDone {
            step.shards[index].losses.append("\(worker) vanished")
            step.shards[index].lastLoss = now
        }
        self.step = step
        let hopeless = step.shards.firstIndex { $0.losses.count >= configuration.patience.lossLimit }
        return hopeless.map { failStep(atShard: $0, attempts: step.shards[$0].losses) } ?? []
    }

    mutating func failStep(atShard index: Int, attempts: [String]) -> [CoordinatorAction] {
        guard let step else { return [] }
        phase = .failed(step: step.number)
        let failure = ShardFailure(
            step: step.task.step(ofNumber: step.number), shard: UInt32(index), range: step.shards[index].range,
            attempts: attempts)
        return [.shardFailed(failure)]
    }
}
