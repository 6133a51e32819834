// Part of CoordinatorCore: what becomes of an answer. The first one for a shard counts; a second one is compared with it.

extension CoordinatorCore {
    mutating func onPartials(_ partials: Partials, from peer: PeerID, _ now: Instant) -> [CoordinatorAction] {
        roster[peer]?.saidIdle = nil
        guard let step, step.number == partials.step else {
            measure(partials, from: peer, lease: nil, now)
            return onLateAnswer(partials, from: peer, now)
                ?? [.ignore(peer, .wrongStep(expected: step?.number, got: partials.step))]
        }
        guard let index = step.shard(of: partials.lease, heldBy: peer), index == Int(partials.shard),
            let lease = step.shards[index].leases.first(where: { $0.id == partials.lease })
        else { return [.ignore(peer, .unknownLease(partials.lease))] }
        let wire = wireLease(lease.id, ofShard: index, in: step)
        if let objection = objection(to: partials, wire, step) {
            // Also for wrong weights: it gets them anew.
            roster[peer]?.weightsStep = nil
            return [.ignore(peer, objection)] + onFailedAttempt(atShard: index, lease.id, peer, "\(objection)", now)
        }
        measure(partials, from: peer, lease: lease, now)
        guard let worker = roster[peer]?.identity else { return [] }
        let answer = Answer(lease: lease.id, worker: worker, nodes: partials.nodes)
        return settle(wire, ofShard: index, answer, now)
    }

    /// Somebody else was faster, and the next step runs already: the answer is still compared. Nil: it is to no lease of that step.
    private mutating func onLateAnswer(
        _ partials: Partials, from peer: PeerID, _ now: Instant
    ) -> [CoordinatorAction]? {
        guard step != nil, let completed, completed.number == partials.step,
            let index = completed.shard(of: partials.lease, heldBy: peer), index == Int(partials.shard),
            let worker = roster[peer]?.identity
        else { return nil }
        let wire = wireLease(partials.lease, ofShard: index, in: completed)
        if let objection = objection(to: partials, wire, completed) { return [.ignore(peer, objection)] }
        self.completed?.giveBack(partials.lease, ofShard: index)
        return compareLate(Answer(lease: partials.lease, worker: worker, nodes: partials.nodes), wire)
    }

    /// Why an answer under a lease that its sender holds is none.
    private func objection(to partials: Partials, _ lease: ShardLease, _ step: StepInProgress) -> IgnoreReason? {
        guard Self.answers(partials, lease, step.extent) else { return .wrongNodes(lease: lease.lease) }
        return partials.weights == step.weights ? nil : .wrongWeights(lease: lease.lease)
    }

    /// A valid answer under `lease` is there.
    private mutating func settle(
        _ lease: ShardLease, ofShard index: Int, _ answer: Answer, _ now: Instant
    ) -> [CoordinatorAction] {
        step?.giveBack(lease.lease, ofShard: index)
        guard let shard = step?.shards[index] else { return [] }
        if case .done(let first, _) = shard.state { return compare(answer, with: first, lease, ofShard: index, now) }
        var used = answer
        used.number = ledger.accepted(from: answer.worker.person, step: lease.step)
        step?.shards[index].state = .done(by: used, rivals: shard.leases)
        return [.accept(lease)] + strike(shard.failures.map(\.worker.peer), now) + conclude(now)
    }

    /// What follows when a shard was settled: the end of the step, or another round of leases.
    mutating func conclude(_ now: Instant) -> [CoordinatorAction] {
        guard let step else { return [] }
        guard step.isComplete else { return dispatch(now) }
        completed = step
        phase = .between(last: step.number)
        return [.stepComplete(step.number)]
    }

    /// The nodes and counts are exactly those that the lease calls for.
    private static func answers(_ partials: Partials, _ lease: ShardLease, _ extent: StepExtent) -> Bool {
        let expected = lease.nodes
        return partials.task == lease.task && partials.nodes.count == expected.count
            && zip(partials.nodes, expected).allSatisfy { summary, node in
                summary.node == node && Int(summary.examples) == extent.examples(in: node)
                    && summary.active <= summary.examples
            }
    }

    /// - Parameter lease: the answered one; nil if the step that it belongs to is over
    private mutating func measure(_ partials: Partials, from peer: PeerID, lease: Lease?, _ now: Instant) {
        let microbatches = partials.nodes.reduce(0) { $0 + $1.node.count }
        let sent = lease.flatMap { $0.queued ? nil : $0.issued }
        // Of two rounds the second counts.
        let examples = partials.task == .embeddings ? 0 : partials.nodes.reduce(0) { $0 + Int($1.examples) }
        let images = examples * configuration.imagesPerExample
        roster.update(peer) { member in
            member.speed.measure(
                microbatches: Double(microbatches) * partials.task.cost, computeTime: partials.times.computing,
                turnaround: sent.map { now - $0 })
            member.counters.answered(
                step: partials.task.step(ofNumber: partials.step), images: images, partials.times, sent: sent,
                arrived: now)
        }
    }

    mutating func onFailure(_ failure: Failure, from peer: PeerID, _ now: Instant) -> [CoordinatorAction] {
        guard let step, step.number == failure.step else {
            return [.ignore(peer, .wrongStep(expected: step?.number, got: failure.step))]
        }
        guard let index = step.shard(of: failure.lease, heldBy: peer), index == Int(failure.shard) else {
            return [.ignore(peer, .unknownLease(failure.lease))]
        }
        return onFailedAttempt(atShard: index, failure.lease, peer, failure.reason, now)
    }

    /// Takes the lease back and gives the shard to another worker, or gives up.
    private mutating func onFailedAttempt(
        atShard index: Int, _ lease: UInt64, _ peer: PeerID, _ reason: String, _ now: Instant
    ) -> [CoordinatorAction] {
        step?.giveBack(lease, ofShard: index)
        roster[peer]?.counters.failures += 1
        if let worker = roster[peer]?.identity {
            step?.shards[index].failures.append((worker, "\(worker): \(reason)"))
        }
        guard let shard = step?.shards[index], !shard.isDone else {
            let isKnown = step?.shards[index].isDone == true
            return [.ignore(peer, .alreadyDone(shard: UInt32(index)))] + (isKnown ? strike([peer], now) : [])
                + dispatch(now)
        }
        guard !isHopeless(shard) else { return failStep(atShard: index, attempts: shard.failures.map(\.reason)) }
        return dispatch(now)
    }

    /// So many persons have failed on it, or as many attempts have and nobody is here who could do better.
    private func isHopeless(_ shard: Shard) -> Bool {
        let (persons, limit) = (shard.failedPersons, configuration.patience.failureLimit)
        if persons.count >= limit { return true }
        return shard.failures.count >= limit && roster.members.allSatisfy { persons.contains($0.identity.person) }
    }

    /// Counts one more strike of a person; returns how many that makes. Without keys a peer is a new person whenever it likes, so
    /// those who are not here are forgotten when there are too many.
    @discardableResult
    mutating func note(strikeOf person: String) -> Int {
        if strikes.count > configuration.maximumWorkers, strikes[person] == nil {
            let present = Set(roster.members.map(\.identity.person))
            strikes = strikes.filter { present.contains($0.key) }
        }
        strikes[person, default: 0] += 1
        return strikes[person] ?? 0
    }

    /// These could not compute what somebody else has computed: after a few times it is they who are broken.
    private mutating func strike(_ peers: [PeerID], _ now: Instant) -> [CoordinatorAction] {
        var actions: [CoordinatorAction] = []
        for peer in peers {
            guard let worker = roster[peer]?.identity else { continue }
            let count = note(strikeOf: worker.person)
            guard count >= configuration.patience.strikeLimit else { continue }
            let reason = LossReason.failing(shards: count)
            actions.append(.refuse(peer, refusal(.failing, "this worker is sent away: \(reason)")))
            actions += lose(peer, reason, now)
        }
        return actions
    }
}
