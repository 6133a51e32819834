// Part of CoordinatorCore: two answers for one shard must have the same bits. If they have not, the coordinator's own computation
// is the third opinion: who is alone with his bits is quarantined, and what he has contributed is undone. The limit: two that
// err in the same way, and errors of a worker that nobody happens to check before the run is over.

extension CoordinatorCore {
    /// A second answer for a shard.
    mutating func compare(
        _ answer: Answer, with first: Answer, _ lease: ShardLease, ofShard index: Int, _ now: Instant
    ) -> [CoordinatorAction] {
        guard answer.nodes == first.nodes else {
            step?.shards[index].audit = .disputed(by: answer)
            return [.arbitrate(lease)]
        }
        if answer.worker.person != first.worker.person {
            confirm(first, lease.step)
            confirm(answer, lease.step)
            step?.shards[index].audit = .settled
            return [.confirmed(lease)] + conclude(now)
        }
        return conclude(now)
    }

    /// A second answer for a shard of the step before the running one. The step is over: nothing waits for the outcome.
    mutating func compareLate(_ answer: Answer, _ lease: ShardLease) -> [CoordinatorAction] {
        let index = Int(lease.shard)
        guard let first = completed?.shards[index].answer else { return [] }
        guard answer.nodes == first.nodes else {
            completed?.shards[index].audit = .disputed(by: answer)
            return [.arbitrate(lease)]
        }
        guard answer.worker.person != first.worker.person else { return [] }
        confirm(first, lease.step)
        confirm(answer, lease.step)
        return [.confirmed(lease)]
    }

    private mutating func onLateArbitration(
        _ lease: ShardLease, _ nodes: [NodeSummary], _ now: Instant
    ) -> [CoordinatorAction] {
        let index = Int(lease.shard)
        guard let shard = completed?.shards.dropFirst(index).first, let first = shard.answer,
            case .disputed(let second) = shard.audit
        else { return [] }
        completed?.shards[index].audit = .settled
        if nodes == first.nodes {
            confirm(first, lease.step)
            return quarantine([second.worker], undoing: nil, now)
        }
        if nodes == second.nodes {
            confirm(second, lease.step)
            return quarantine([first.worker], undoing: lease.step, now)
        }
        return fail(lease, [first.worker, second.worker])
    }

    private mutating func confirm(_ answer: Answer, _ step: UInt64) {
        ledger.confirmed(answer.worker.person, result: answer.number, step: step)
        roster[answer.worker.peer]?.counters.confirmed += 1
    }

    /// The arbiter has computed a shard of the running step, the one before it, or the examined one, as it was asked to.
    package mutating func onArbitration(
        _ lease: ShardLease, nodes: [NodeSummary], now: Instant
    ) -> [CoordinatorAction] {
        if case .examined(let step, let left, let odd) = phase {
            return onExamination(step, shard: Int(lease.shard), nodes, left: left, odd, now)
        }
        if let completed, completed.number == lease.step, step?.number != lease.step {
            return onLateArbitration(lease, nodes, now)
        }
        guard let step, step.number == lease.step, let shard = step.shards.dropFirst(Int(lease.shard)).first,
            let first = shard.answer
        else { return [] }
        switch shard.audit {
        case .disputed(let second):
            // The second answer was not used, the first one was.
            if nodes == first.nodes { return settleDispute(lease, for: first, against: second, isUsed: false, now) }
            if nodes == second.nodes { return settleDispute(lease, for: second, against: first, isUsed: true, now) }
            return fail(lease, [first.worker, second.worker])
        case .alone, .wanted:
            guard nodes == first.nodes else { return fail(lease, [first.worker]) }
            confirm(first, lease.step)
            self.step?.shards[Int(lease.shard)].audit = .settled
            return [.confirmed(lease)] + conclude(now)
        case .notWanted, .settled: return []
        }
    }

    private mutating func settleDispute(
        _ lease: ShardLease, for right: Answer, against wrong: Answer, isUsed: Bool, _ now: Instant
    ) -> [CoordinatorAction] {
        confirm(right, lease.step)
        step?.shards[Int(lease.shard)].audit = .settled
        let actions = quarantine([wrong.worker], undoing: isUsed ? lease.step : nil, now)
        return actions + conclude(now)
    }

    private mutating func fail(_ lease: ShardLease, _ workers: [WorkerIdentity]) -> [CoordinatorAction] {
        phase = .failed(step: lease.step)
        let doubtful = ledger.firstDoubtful(of: workers).map { min($0, lease.step) } ?? lease.step
        ledger.goBack(before: doubtful)
        return [.noMajority(lease, opinions: workers.map { "\($0)" } + ["this coordinator"], before: doubtful)]
    }

    /// Sends broken workers away for good, and takes the run back to before the first of their results that nobody has confirmed.
    ///
    /// - Parameter undone: the step to undo in any case; nil: none
    private mutating func quarantine(
        _ workers: [WorkerIdentity], undoing undone: UInt64?, _ now: Instant
    ) -> [CoordinatorAction] {
        var actions: [CoordinatorAction] = []
        var firstDoubtful = undone
        for worker in workers where !ledger.isQuarantined(worker) {
            let sharesKey = roster.members.contains {
                $0.identity.key == worker.key && $0.identity.person != worker.person
            }
            let results = ledger.quarantine(worker, sharesKey: sharesKey)
            firstDoubtful = [firstDoubtful, results?.firstStep].compactMap { $0 }.min()
            actions.append(.quarantined(worker, unconfirmed: results))
            for member in roster.members where member.identity.person == worker.person {
                actions.append(.refuse(member.peer, refusal(.quarantined, Self.quarantineNotice)))
                actions += remove(member.peer, .quarantined, now)
            }
        }
        // No new leases of a step that is void: they, and its weights, would be sent after the next epoch has begun.
        if let firstDoubtful { return actions + goBack(before: firstDoubtful) }
        return actions + dispatch(now) + remarkAttendance()
    }

    /// Everything from `number` on is void. Its leases and answers have the same numbers as those to come, so the run gets the next
    /// epoch, and the workers are welcomed to it.
    private mutating func goBack(before number: UInt64) -> [CoordinatorAction] {
        ledger.goBack(before: number)
        phase = .between(last: nil)
        (upcoming, completed) = (nil, nil)
        run = RunID(high: run.high, low: run.low + 1)
        roster.forEach {
            $0.weightsStep = nil
            $0.saidIdle = nil
        }
        return roster.members.map { .welcome($0.peer) } + [.goBack(before: number)]
    }

    static let quarantineNotice =
        "this worker computed other bits than two others did for the same shard: its processor or memory is broken; take the "
        + "machine out of service"

    // MARK: A sum that is not finite

    /// The sum of the step just completed is not finite. Is it the model, or somebody's arithmetic? The arbiter computes every
    /// shard again.
    package mutating func onNonFinite(now: Instant) -> [CoordinatorAction] {
        wake(now)
        guard let completed, case .between = phase else {
            preconditionFailure("only the sum of a completed step can be found not finite, not in \(phase)")
        }
        phase = .examined(completed, left: completed.shards.count, odd: [])
        return completed.shards.indices.map { index in
            .arbitrate(wireLease(completed.shards[index].answer?.lease ?? 0, ofShard: index, in: completed))
        }
    }

    private mutating func onExamination(
        _ step: StepInProgress, shard: Int, _ nodes: [NodeSummary], left: Int, _ odd: [WorkerIdentity], _ now: Instant
    ) -> [CoordinatorAction] {
        var odd = odd
        if let answer = step.shards[shard].answer, answer.nodes != nodes { odd.append(answer.worker) }
        guard left == 1 else {
            phase = .examined(step, left: left - 1, odd: odd)
            return []
        }
        phase = .between(last: step.number - 1)
        return odd.isEmpty ? [.diverged(step: step.number)] : quarantine(odd, undoing: step.number, now)
    }
}
