// How often a line that others cause may be written: a log is not filled by whoever likes to. No clock.

/// Of lines of one kind, the first is told at once, the next one 5 s later, then 10, 20, … up to 5 minutes apart; after twice such a
/// pause without any, the next is told at once again.
package struct LogPauses: Sendable {
    package static let shortest: UInt64 = 5_000_000_000
    package static let longest: UInt64 = 300_000_000_000

    private var unmentioned = 0
    private var lastMention: UInt64?
    private var pause = LogPauses.shortest

    package init() {}

    /// Asked for every line that might be written.
    ///
    /// - Parameter now: nanoseconds, monotonic
    /// - Returns: how many were left out before this one; nil if this one is left out too
    package mutating func unmentioned(before now: UInt64) -> Int? {
        if let last = lastMention {
            guard now >= last + pause else {
                unmentioned += 1
                return nil
            }
            let wasQuiet = unmentioned == 0 && now >= last + 2 * pause
            pause = wasQuiet ? Self.shortest : min(2 * pause, Self.longest)
        }
        defer { unmentioned = 0 }
        lastMention = now
        return unmentioned
    }
}
