// What workers and relays keep of a first round for its second: the images, which are not sent twice, and a worker's passes. Not
// what they are: that is the shells' affair.

/// The first rounds whose second is still to come.
package struct FirstRounds<Images, Passes> {
    private struct Round {
        let lease: ShardLease
        let images: Images
        var passes: Passes?
    }

    /// By the numbers of their leases.
    private var rounds: [UInt64: Round] = [:]

    package init() {}

    /// Why a message cannot be used: it reuses images that are not here. As if it had not come, the coordinator will hear that there is
    /// nothing to do here, and send the shard again, with its images.
    package func objection(to message: CoordinatorMessage) -> String? {
        guard case .shard(let lease, _) = message, lease.reuses != 0, round(reusedBy: lease) == nil else { return nil }
        return "\(lease) reuses the images of lease \(lease.reuses), which are not here"
    }

    /// The images of a lease that came with these: those that it reuses, if it reuses any. Those of a first round are remembered.
    package mutating func images(of lease: ShardLease, cameWith images: Images) -> Images {
        if let first = round(reusedBy: lease) { return first.images }
        // The same lease may come twice: what was computed for it is as good for the second time.
        if lease.task == .embeddings, rounds[lease.lease]?.lease != lease {
            rounds[lease.lease] = Round(lease: lease, images: images)
        }
        return images
    }

    /// The passes of the lease that a second round reuses.
    package func passes(for lease: ShardLease) -> Passes? { round(reusedBy: lease)?.passes }

    /// The first round under this lease has been computed. False: nobody will ask for these passes. A lease of the run before may have
    /// had the same number.
    package mutating func note(_ passes: Passes, of lease: ShardLease) -> Bool {
        guard let round = rounds[lease.lease], round.lease == lease, round.passes == nil else { return false }
        rounds[lease.lease]?.passes = passes
        return true
    }

    /// The weights of `step` are here: what could be needed only before is let go. Returns the passes.
    package mutating func forget(before step: UInt64) -> [Passes] {
        let over = rounds.filter { $0.value.lease.step + 1 < step }
        for lease in over.keys { rounds[lease] = nil }
        return over.values.compactMap(\.passes)
    }

    /// Another run begins.
    package mutating func forgetAll() -> [Passes] {
        defer { rounds = [:] }
        return rounds.values.compactMap(\.passes)
    }

    private func round(reusedBy lease: ShardLease) -> Round? {
        guard let round = rounds[lease.reuses], round.lease.run == lease.run, round.lease.step + 1 == lease.step,
            round.lease.range == lease.range, round.lease.examples == lease.examples,
            round.lease.imagesPerExample == lease.imagesPerExample
        else { return nil }
        return round
    }
}
