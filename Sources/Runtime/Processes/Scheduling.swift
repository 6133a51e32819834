// Hints to Linux' scheduler, so that messages do not wait behind computations on the same core. Linux since 6.13 preempts
// lazily: a thread that was woken for a message waits until the running one enters the kernel, or for the next timer tick, which
// is up to 4 ms, while the other core may stand idle (`perf sched timehist` shows it).
internal import CLinux
internal import Glibc
internal import Messaging

/// How long a thread may run before another one's turn comes.
enum TimeSlice: UInt64 {
    /// For threads that pass messages on: a computation on the same core lets them go first.
    case short = 100_000
    case ofTheKernel = 0
}

/// For the calling thread, and for those that it starts from now on. A refusal is ignored: it is a hint.
func setTimeSlice(_ slice: TimeSlice) { _ = set_time_slice(slice.rawValue) }

/// Confines the calling thread, and those that it starts from now on, to `count` of the cores that it may run on, from the
/// `first` on. Two workers that were woken at the same time may else begin on one core, and stay there for long. A refusal is
/// ignored: it is a hint.
func bindToCores(first: Int, count: Int) {
    var mask = [UInt64](repeating: 0, count: 64)
    let bytes = mask.count * MemoryLayout<UInt64>.size
    guard get_core_mask(&mask, bytes) > 0 else { return }
    let allowed = (0..<mask.count * 64).filter { mask[$0 / 64] >> UInt64($0 % 64) & 1 == 1 }
    guard first >= 0, count > 0, count <= allowed.count, first <= allowed.count - count else { return }
    mask = [UInt64](repeating: 0, count: mask.count)
    for core in allowed[first..<first + count] { mask[core / 64] |= 1 << UInt64(core % 64) }
    _ = set_core_mask(mask, bytes)
}

/// How a computing thread shares its core with threads that pass messages on: it steps aside after every microbatch, but not for
/// long. A neighbour's computation would take whatever it is given; once it has, the thread only lets those go first whom the
/// scheduler itself has chosen.
struct CoreSharing {
    /// Nanoseconds; messages take less.
    private static let longestMessage: UInt64 = 1_000_000
    private static let timeWithoutYielding: UInt64 = 1_000_000_000

    private var yieldsAgain: UInt64 = 0

    mutating func stepAside() {
        let now = MonotonicClock.now()
        guard now >= yieldsAgain else {
            // Any system call will do: a thread that was chosen runs when the kernel is entered. This is the cheapest.
            _ = getppid()
            return
        }
        sched_yield()
        if MonotonicClock.now() - now > Self.longestMessage { yieldsAgain = now + Self.timeWithoutYielding }
    }
}
