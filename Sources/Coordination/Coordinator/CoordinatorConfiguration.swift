// What a coordinator's core is told at its start. Not the training configuration: the core knows no model.

/// The run, the build, and the patience of a coordinator.
package struct CoordinatorConfiguration: Sendable {
    /// Fresh random bits at every start of a coordinator.
    package var run: RunID
    /// What a worker must equal to be admitted.
    package var build: BuildIdentity
    package var imagesPerExample: Int
    package var patience = CoordinatorPatience()
    /// Which shards are computed twice; nil: none but those that were late.
    package var audit: AuditPlan?
    /// Who comes when so many are there is refused.
    package var maximumWorkers = 4096

    package init(run: RunID, build: BuildIdentity, imagesPerExample: Int, patience: CoordinatorPatience = .init()) {
        self.run = run
        self.build = build
        self.imagesPerExample = imagesPerExample
        self.patience = patience
    }
}

/// How long a coordinator waits for what, and how often it tries.
package struct CoordinatorPatience: Sendable {
    /// A worker that has not said anything for so long is evicted. Workers report every second.
    package var silenceLimit = Duration.seconds(10)
    /// Every worker is pinged so often, so that the shell learns of a broken link from the failing send.
    package var pingInterval = Duration.seconds(1)
    /// A lease of a worker without a measured speed is late after this.
    package var unmeasuredLease = Duration.seconds(5)
    /// A lease is late after `leaseFactor` times its expected duration, but not before `leaseFloor`. That somebody idle computes
    /// a late shard too costs nothing but his idleness, so this may be short.
    package var leaseFactor = 5.0
    package var leaseFloor = Duration.milliseconds(250)
    /// A step fails when one of its shards was reported as failed so many times.
    package var failureLimit = 3
    /// … or when so many workers vanished while they held the same shard: it may be what kills them.
    package var lossLimit = 10
    /// A worker that has failed on so many shards that others then computed is sent away.
    package var strikeLimit = 3
    /// A link that may be broken is tried again after this and, each time after four times as long, twice more.
    package var doubtInterval = Duration.milliseconds(2)

    package init() {}
}
