// What a relay's core is told at its start, and what it asks its shell to do. Values only: nothing happens here.

/// Who this relay is, and how patient in either direction.
package struct RelayConfiguration: Sendable {
    package var build: BuildIdentity
    /// Random bits, fresh at every start of the process, but for the lowest `WorkerIdentity.registrationBits`.
    package var incarnation: UInt64
    package var processID: UInt32
    package var processName: String
    /// The wire tells how many microbatches a step has, not their size: every build has one.
    package var examplesPerMicrobatch: Int
    /// With its coordinator.
    package var patience = WorkerPatience()
    /// With its workers.
    package var workersPatience = CoordinatorPatience()

    package init(
        build: BuildIdentity, incarnation: UInt64, processID: UInt32, processName: String, examplesPerMicrobatch: Int
    ) {
        self.build = build
        self.incarnation = incarnation
        self.processID = processID
        self.processName = processName
        self.examplesPerMicrobatch = examplesPerMicrobatch
    }
}

/// One thing to do; a list of them is done in order.
package enum RelayAction: Equatable, Sendable {
    /// As a worker's shell would do it. Never `compute`: that is `begin` here.
    case above(WorkerAction)
    /// As a coordinator's shell would do it, for our own workers, with the frames of the `begin`ning's lease, or of another
    /// one that is kept: the shard of a `lease` lies within one of the same step. Never about the end of a step (that is
    /// `sum`), a failed one, or the lack of workers: those go upwards.
    case below(CoordinatorAction)
    /// Our workers begin to compute this lease: the tree is that of its step, and empty.
    case begin(ShardLease)
    /// All partials of the lease are in the tree: take its nodes and report `onSummed`.
    case sum(ShardLease)
}
