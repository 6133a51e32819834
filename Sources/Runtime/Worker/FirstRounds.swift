// What workers and relays keep of a first round for its second: the images, which are not sent twice, and a worker's passes.
internal import Coordination
internal import Messaging

/// The first rounds whose second is still to come.
struct FirstRounds {
    private struct Round {
        let step: UInt64
        let pixels: Frame
        var passes: ShardPasses?
    }

    /// By their leases.
    private var rounds: [UInt64: Round] = [:]

    /// Why a message cannot be used: it reuses images that are not here. As if it had not come, the coordinator will hear that there is
    /// nothing to do here, and send the shard again, with its images.
    func objection(to message: CoordinatorMessage) -> String? {
        guard case .shard(let lease, _) = message, lease.reuses != 0, rounds[lease.reuses] == nil else { return nil }
        return "\(lease) reuses the images of lease \(lease.reuses), which are not here"
    }

    /// The payload of a lease, with the images that it reuses; those of a first round are remembered.
    mutating func complete(_ payload: [Frame], of lease: ShardLease) -> [Frame] {
        guard payload.count == 2 else { return payload }
        if lease.task == .embeddings { rounds[lease.lease] = Round(step: lease.step, pixels: payload[0]) }
        guard let first = rounds[lease.reuses] else { return payload }
        return [first.pixels, payload[1]]
    }

    /// The passes of the lease that a second round reuses.
    func passes(for lease: ShardLease) -> ShardPasses? { rounds[lease.reuses]?.passes }

    /// The first round under this lease has been computed. False: nobody will ask for its passes.
    mutating func note(_ passes: ShardPasses, of lease: ShardLease) -> Bool {
        rounds[lease.lease]?.passes = passes
        return rounds[lease.lease] != nil
    }

    /// The weights of `step` are here: what could be needed only before is let go. Returns the passes.
    mutating func forget(before step: UInt64) -> [ShardPasses] {
        let over = rounds.filter { $0.value.step + 1 < step }
        for lease in over.keys { rounds[lease] = nil }
        return over.values.compactMap(\.passes)
    }

    mutating func forgetAll() -> [ShardPasses] {
        defer { rounds = [:] }
        return rounds.values.compactMap(\.passes)
    }
}
