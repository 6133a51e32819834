// The one clock that decides anything: monotonic, in nanoseconds. Wall time is only ever printed.

internal import Glibc

package enum MonotonicClock {
    /// Nanoseconds of CLOCK_MONOTONIC: since some moment before this process began, the same for every process of the
    /// machine, never set back.
    package static func now() -> UInt64 {
        var time = timespec()
        let status = clock_gettime(CLOCK_MONOTONIC, &time)
        precondition(status == 0, "CLOCK_MONOTONIC exists on every Linux")
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
