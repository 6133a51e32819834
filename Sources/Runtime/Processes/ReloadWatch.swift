// SIGHUP as something to be polled for: "read your files again". Apart from `SignalWatch`, because it stops nothing and may come
// any number of times.

internal import Glibc
private import Synchronization

/// While it lives, SIGHUP makes `descriptor` readable instead of ending the process.
///
/// One at a time (a process has one action per signal). Its end restores the action found at its beginning.
package final class ReloadWatch {
    private let output: FileDescriptor
    private let input: FileDescriptor
    private var before = sigaction()

    package init() throws(ProcessError) {
        let (output, input) = try FileDescriptor.pipe()
        try output.makeNonBlocking()
        try input.makeNonBlocking()
        (self.output, self.input) = (output, input)
        let (isFree, _) = wakeDescriptor.compareExchange(
            expected: nobody, desired: input.number, ordering: .sequentiallyConsistent)
        precondition(isFree, "a process has one ReloadWatch at a time")
        var action = sigaction()
        action.__sigaction_handler.sa_handler = onReloadSignal
        action.sa_flags = SA_RESTART
        sigemptyset(&action.sa_mask)
        let status = sigaction(SIGHUP, &action, &before)
        precondition(status == 0, "SIGHUP can be handled")
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

// MARK: - What the handler touches: an atomic and write only (signal-safety(7))

private let nobody: Int32 = -1
/// The writing end of the watch's pipe.
private let wakeDescriptor = Atomic<Int32>(-1)

private func onReloadSignal(_ signal: Int32) {
    let saved = errno
    var byte: UInt8 = 1
    _ = write(wakeDescriptor.load(ordering: .sequentiallyConsistent), &byte, 1)
    errno = saved
}
