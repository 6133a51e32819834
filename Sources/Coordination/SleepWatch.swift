// Notices that this very process has slept (SIGSTOP, a suspended laptop, a starved machine), so that a core does not
// hold its own sleep against its peers. Not a clock, and no measure of anybody else's silence.

/// The time of a core's latest input.
struct SleepWatch: Sendable {
    /// Inputs come at least this often in a process that is awake: its core asks for a deadline well before.
    let tolerance: Duration
    private(set) var now: Instant

    init(tolerance: Duration, now: Instant) {
        self.tolerance = tolerance
        self.now = now
    }

    /// Moves to `instant` (never backwards); returns how long the process slept, or nil if it was awake.
    mutating func advance(to instant: Instant) -> Duration? {
        let gap = instant - now
        now = max(now, instant)
        return gap > tolerance ? gap : nil
    }
}
