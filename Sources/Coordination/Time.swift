// Points and spans of monotonic time, in nanoseconds. Not a clock: the shells read one and pass the result in, and the
// simulator makes it up. All arithmetic saturates, so that no peer and no clock can make it trap.

/// A span of time; never negative.
package struct Duration: Comparable, Hashable, Sendable {
    package let nanoseconds: UInt64

    package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    package static let zero = Duration(nanoseconds: 0)

    package static func milliseconds(_ count: UInt64) -> Duration {
        Duration(nanoseconds: count.saturatingMultiply(by: 1_000_000))
    }

    package static func seconds(_ count: UInt64) -> Duration {
        Duration(nanoseconds: count.saturatingMultiply(by: 1_000_000_000))
    }

    /// `seconds`, clamped to what fits: negative and NaN become zero, too large becomes the largest span.
    package init(seconds: Double) {
        let wanted = seconds * 1e9
        nanoseconds = wanted >= 0x1p64 ? .max : wanted > 0 ? UInt64(wanted) : 0
    }

    package var seconds: Double { Double(nanoseconds) / 1e9 }

    package static func < (left: Duration, right: Duration) -> Bool { left.nanoseconds < right.nanoseconds }

    package static func + (left: Duration, right: Duration) -> Duration {
        Duration(nanoseconds: left.nanoseconds.saturatingAdd(right.nanoseconds))
    }

    package static func * (left: Duration, factor: UInt64) -> Duration {
        Duration(nanoseconds: left.nanoseconds.saturatingMultiply(by: factor))
    }
}

extension Duration: CustomStringConvertible {
    package var description: String { "\(seconds) s" }
}

/// A point on the monotonic clock of one process; means nothing to another process.
package struct Instant: Comparable, Hashable, Sendable {
    package let nanoseconds: UInt64

    package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    package static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

    package static func + (left: Instant, right: Duration) -> Instant {
        Instant(nanoseconds: left.nanoseconds.saturatingAdd(right.nanoseconds))
    }

    /// The time from `earlier` to `later`; zero where the order is the other way round.
    package static func - (later: Instant, earlier: Instant) -> Duration {
        Duration(nanoseconds: later > earlier ? later.nanoseconds - earlier.nanoseconds : 0)
    }
}

extension UInt64 {
    fileprivate func saturatingMultiply(by factor: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }

    fileprivate func saturatingAdd(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
