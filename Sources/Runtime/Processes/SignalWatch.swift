// SIGINT and SIGTERM as something to be polled for. What stopping means is decided elsewhere.

internal import Glibc
private import Synchronization

/// The signals that ask a program to stop.
package enum StopSignal: Int32, Sendable, CaseIterable {
    case interrupt = 2
    case terminate = 15

    /// 128 + signal, as shells report it: 130 or 143.
    package var exitCode: Int32 { 128 + rawValue }
}

/// While it lives: the first SIGINT or SIGTERM makes `descriptor` readable and is told by `received`; the second ends
/// the process at once with 130 or 143. SIGPIPE and SIGXFSZ are ignored: writing to a closed pipe, or more to a file than
/// is allowed, is an error and not an end.
///
/// One at a time (a process has one action per signal). Its end restores the actions found at its beginning.
package final class SignalWatch {
    private let output: FileDescriptor
    private let input: FileDescriptor
    private var before: [(signal: Int32, action: sigaction)] = []

    package init() throws(ProcessError) {
        (output, input) = try FileDescriptor.wakePipe()
        let (isFree, _) = wakeDescriptor.compareExchange(
            expected: nobody, desired: input.number, ordering: .sequentiallyConsistent)
        precondition(isFree, "a process has one SignalWatch at a time")
        firstSignal.store(0, ordering: .sequentiallyConsistent)
        for signal in StopSignal.allCases { install(onStopSignal, for: signal.rawValue) }
        for signal in [SIGPIPE, SIGXFSZ] { install(SIG_IGN, for: signal) }
    }

    deinit {
        for (signal, action) in before {
            var action = action
            sigaction(signal, &action, nil)
        }
        wakeDescriptor.store(nobody, ordering: .sequentiallyConsistent)
    }

    /// Readable from the first signal on.
    package var descriptor: Int32 { output.number }

    /// The first signal that came, if one has.
    package var received: StopSignal? { Self.received }

    /// The same, for code on other threads than the watch's.
    package static var received: StopSignal? {
        StopSignal(rawValue: firstSignal.load(ordering: .sequentiallyConsistent))
    }

    private func install(_ handler: @escaping @convention(c) (Int32) -> Void, for signal: Int32) {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = handler
        action.sa_flags = SA_RESTART
        sigemptyset(&action.sa_mask)
        var previous = sigaction()
        let status = sigaction(signal, &action, &previous)
        precondition(status == 0, "signal \(signal) can be handled")
        before.append((signal, previous))
    }
}

// MARK: - What the handler touches: atomics, write and _exit only (signal-safety(7))

private let nobody: Int32 = -1
/// The writing end of the watch's pipe.
private let wakeDescriptor = Atomic<Int32>(-1)
/// 0: none yet.
private let firstSignal = Atomic<Int32>(0)

private func onStopSignal(_ signal: Int32) {
    let saved = errno
    let (isFirst, _) = firstSignal.compareExchange(
        expected: 0, desired: signal, ordering: .sequentiallyConsistent)
    guard isFirst else { _exit(128 + signal) }
    var byte: UInt8 = 1
    _ = write(wakeDescriptor.load(ordering: .sequentiallyConsistent), &byte, 1)
    errno = saved
}
