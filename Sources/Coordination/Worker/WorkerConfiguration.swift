// What a worker's core is told at its start. Not the job: that comes with the welcome.

/// Who this worker is, and how patient.
package struct WorkerConfiguration: Sendable {
    package var build: BuildIdentity
    /// Random bits, fresh at every start of the process, in all but the low `WorkerIdentity.registrationBits`: there the core
    /// counts up when it registers anew.
    package var incarnation: UInt64
    package var threads: UInt16
    package var processID: UInt32
    package var processName: String
    package var patience = WorkerPatience()

    package init(
        build: BuildIdentity, incarnation: UInt64, threads: UInt16, processID: UInt32, processName: String,
        patience: WorkerPatience = .init()
    ) {
        self.build = build
        self.incarnation = incarnation
        self.threads = threads
        self.processID = processID
        self.processName = processName
        self.patience = patience
    }
}

/// How long a worker waits for what, and how often it speaks.
package struct WorkerPatience: Sendable {
    /// Without a welcome for so long, the worker gives up; nil: it waits for ever.
    package var connectLimit: Duration? = .seconds(10)
    /// A worker that was welcomed once and has lost its coordinator tries to find it, or its successor, for so long; nil: for
    /// ever.
    package var reconnectLimit: Duration? = .seconds(600)
    /// The first hello is repeated after this, every further one after twice as long …
    package var firstHelloInterval = Duration.milliseconds(250)
    /// … up to this.
    package var longestHelloInterval = Duration.seconds(2)
    /// Progress is reported so often, also when idle.
    package var progressInterval = Duration.seconds(1)
    /// A worker whose coordinator has not said anything for so long registers anew. It pings every second.
    package var silenceLimit = Duration.seconds(10)

    package init() {}
}
