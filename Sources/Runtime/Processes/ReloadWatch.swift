// SIGHUP as something to be polled for: "read your files again". Apart from `SignalWatch`, because it stops nothing and may come
// any number of times.

internal import Glibc
private import Synchronization

/// While it lives, SIGHUP makes `descriptor` readable instead of ending the process; at once if one has come since `expect`.
///
/// One at a time (a process has one action per signal). Its end restores the action found at its beginning.
package final class ReloadWatch {
    private let output: FileDescriptor
    private let input: FileDescriptor
    private var before: sigaction

    package init() throws(ProcessError) {
        (output, input) = try FileDescriptor.wakePipe()
        let (isFree, _) = wakeDescriptor.compareExchange(
            expected: nobody, desired: input.number, ordering: .sequentiallyConsistent)
        precondition(isFree, "a process has one ReloadWatch at a time")
        before = Self.handle()
        if hasCome.exchange(false, ordering: .sequentiallyConsistent) { onReloadSignal(SIGHUP) }
    }

    /// From now on SIGHUP is for the watch that will be made: called before the files are read for the first time, so that a
    /// change in the meantime is neither missed nor the end of the process.
    package static func expect() { _ = handle() }

    /// Returns the action before.
    private static func handle() -> sigaction {
        var (action, before) = (sigaction(), sigaction())
        action.__sigaction_handler.sa_handler = onReloadSignal
        action.sa_flags = SA_RESTART
        sigemptyset(&action.sa_mask)
        let status = sigaction(SIGHUP, &action, &before)
        precondition(status == 0, "SIGHUP can be handled")
        return before
    }

    deinit {
        sigaction(SIGHUP, &before, nil)
        wakeDescriptor.store(nobody, ordering: .sequentiallyConsistent)
    }

    package var descriptor: Int32 { output.number }

    /// Whether a SIGHUP has come since the last call.
    package func takeRequest() -> Bool {
        var wasRequested = false
        while case .bytes = output.read() { wasRequested = true }
        return wasRequested
    }
}

// MARK: - What the handler touches: atomics and write only (signal-safety(7))

private let nobody: Int32 = -1
/// The writing end of the watch's pipe.
private let wakeDescriptor = Atomic<Int32>(-1)
/// A signal has come, and there was no watch yet.
private let hasCome = Atomic<Bool>(false)

private func onReloadSignal(_ signal: Int32) {
    let saved = errno
    var byte: UInt8 = 1
    if write(wakeDescriptor.load(ordering: .sequentiallyConsistent), &byte, 1) < 0, errno == EBADF {
        hasCome.store(true, ordering: .sequentiallyConsistent)
    }
    errno = saved
}
