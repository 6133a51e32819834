// Two hints to Linux' scheduler, so that messages do not wait behind computations on the same core. Linux since 6.13 preempts
// lazily: a thread that was woken for a message waits until the running one enters the kernel, or for the next timer tick, which
// is up to 4 ms, while the other core may stand idle. Elsewhere both do nothing.
internal import CLinux
internal import Glibc

/// How long a thread may run before another one's turn comes.
enum TimeSlice: UInt64 {
    /// For threads that pass messages on: a computation on the same core lets them go first.
    case short = 100_000
    case ofTheKernel = 0
}

/// For the calling thread, and for those that it starts from now on. A refusal is ignored: it is a hint.
func setTimeSlice(_ slice: TimeSlice) { _ = set_time_slice(slice.rawValue) }

/// Lets whoever the scheduler has chosen run now. Not a yield: a thread that was not chosen gets nothing, so a neighbour's
/// computation does not profit. The cheapest system call there is, some 0.1 µs.
func preemptionPoint() { _ = getppid() }
