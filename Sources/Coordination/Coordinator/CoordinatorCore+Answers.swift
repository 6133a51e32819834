// Part of CoordinatorCore: what becomes of an answer. The first one for a shard counts; a second one is a free audit.

extension CoordinatorCore {
    mutating func onPartials(_ partials: Partials, from peer: PeerID, _ now: Instant) -> [CoordinatorAction] {
        roster[peer]?.saidIdle = nil
        guard let step, step.number == partials.step else {
            measure(partials, from: peer, turnaround: nil)
            return [.ignore(peer, .wrongStep(expected: step?.number, got: partials.step))]
        }
        guard let index = step.shard(of: partials.lease, heldBy: peer), index == Int(partials.shard),
            let lease = step.shards[index].leases.first(where: { $0.id == partials.lease })
        else { return [.ignore(peer, .unknownLease(partials.lease))] }
        let wire = wireLease(lease.id, ofShard: index, in: step)
        guard Self.answers(partials, wire, step.extent) else {
            let reason = IgnoreReason.wrongNodes(lease: lease.id)
            return [.ignore(peer, reason)] + onFailedAttempt(atShard: index, lease.id, peer, "\(reason)", now)
        }
        measure(partials, from: peer, turnaround: lease.queued ? nil : now - lease.issued)
        return settle(wire, ofShard: index, now)
    }

    /// A valid answer under `lease` is there.
    private mutating func settle(_ lease: ShardLease, ofShard index: Int, _ now: Instant) -> [CoordinatorAction] {
        step?.giveBack(lease.lease, ofShard: index)
        guard let step else { return [] }
        if case .done(let first, _) = step.shards[index].state {
            return [.compare(lease, first: first)] + dispatch(now)
        }
        let rivals = step.shards[index].leases
        self.step?.shards[index].state = .done(by: lease.lease, rivals: rivals)
        let accepted = CoordinatorAction.accept(lease, audited: !rivals.isEmpty)
        guard self.step?.isComplete == true else { return [accepted] + dispatch(now) }
        phase = .between(last: step.number)
        return [accepted, .stepComplete(step.number)]
    }

    /// The nodes and counts are exactly those that the lease calls for.
    private static func answers(_ partials: Partials, _ lease: ShardLease, _ extent: StepExtent) -> Bool {
        let expected = lease.nodes
        return partials.nodes.count == expected.count
            && zip(partials.nodes, expected).allSatisfy { summary, node in
                summary.node == node && Int(summary.examples) == extent.examples(in: node)
                    && summary.active <= summary.examples
            }
    }

    private mutating func measure(_ partials: Partials, from peer: PeerID, turnaround: Duration?) {
        let microbatches = partials.nodes.reduce(0) { $0 + $1.node.count }
        roster[peer]?.speed.measure(
            microbatches: microbatches, computeTime: partials.times.computing, turnaround: turnaround)
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
        guard let shard = step?.shards[index], !shard.isDone else {
            return [.ignore(peer, .alreadyDone(shard: UInt32(index)))] + dispatch(now)
        }
        let name = roster[peer].map { "\($0.identity)" } ?? "\(peer)"
        step?.shards[index].failures.append((peer, "\(name): \(reason)"))
        let failures = step?.shards[index].failures ?? []
        guard failures.count < configuration.patience.failureLimit else {
            return failStep(atShard: index, attempts: failures.map(\.reason))
        }
        return dispatch(now)
    }
}
