// The line on a cluster's standard error that names its slowest worker. When to say it; what to say is `SlowWorker`'s affair.

/// Names the slowest worker now and then.
package struct SlowWorkerRemark {
    /// Between two remarks; and from the beginning of a run to the first, for workers come and warm up.
    package static let pause: UInt64 = 60_000_000_000
    package static let warmUp: UInt64 = 10_000_000_000

    private let say: (String) -> Void
    private var due: UInt64

    package init(began: UInt64, say: @escaping (String) -> Void) {
        self.say = say
        due = began + Self.warmUp
    }

    /// Only while there are steps: between them nobody has anything to do.
    package mutating func consider(_ status: RunStatus, now: UInt64) {
        guard now >= due, status.phase == .training, let slow = SlowWorker(among: status.workers) else { return }
        due = now + Self.pause
        say("slow: \(slow.sentence)")
    }
}
