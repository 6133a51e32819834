// A child process from its start to its reaping. It knows no protocol: whether the child works is seen elsewhere.

internal import Glibc
internal import Messaging

/// A running program that ends with us.
///
/// Its standard input is a pipe of which only this process holds the writing end: however we end, the child sees the
/// end of file there (`ParentWatch`) and leaves. The last 16 KiB of its standard error are kept.
///
/// Not Sendable: one thread looks after it. If it is dropped while the child runs, the child is killed and reaped.
package final class ChildProcess {
    private enum State {
        case running
        /// Asked to end; killed at `deadline` (nanoseconds of `MonotonicClock`).
        case stopping(deadline: UInt64)
        case killed
        case ended(Termination)
    }

    /// How messages call it: `"worker 3"`.
    package let name: String
    package let processIdentifier: Int32
    private var state = State.running
    /// The writing end of its standard input; never written to.
    private var lifeline: FileDescriptor?
    /// The reading end of its standard error; nil after its end.
    private var errors: FileDescriptor?
    private var tail = OutputTail()

    package init(_ command: Command, name: String) throws(ProcessError) {
        let (childInput, lifeline) = try FileDescriptor.pipe()
        let (errors, childErrors) = try FileDescriptor.pipe()
        try errors.makeNonBlocking()
        processIdentifier = try spawn(command, standardInput: childInput, standardError: childErrors)
        self.name = name
        self.lifeline = lifeline
        self.errors = errors
    }

    deinit {
        guard termination == nil else { return }
        send(SIGKILL)
        var status: Int32 = 0
        while waitpid(processIdentifier, &status, 0) < 0 && errno == EINTR {}
    }

    /// Readable when the child has said something or has ended: then call `poll`. Nil once it has closed its standard
    /// error; before it ends only if it does so on purpose, and then only a call of `poll` now and then finds the end.
    package var descriptor: Int32? { errors?.number }

    /// How it ended; nil while it has not been seen to.
    package var termination: Termination? {
        if case .ended(let status) = state { status } else { nil }
    }

    /// When `poll` has to be called at the latest, in nanoseconds of `MonotonicClock`.
    package var deadline: UInt64? {
        switch state {
        case .stopping(let deadline): deadline
        // Nothing will tell of its end any more: look now and then.
        case .running where errors == nil: MonotonicClock.now() + 100_000_000
        case .running, .killed, .ended: nil
        }
    }

    /// The last it wrote to standard error.
    package var errorOutput: String { tail.text }

    /// Reads its standard error, kills it if its time to stop is over, and reaps it if it has ended. Does not wait, but
    /// for the moment between the closing of a dying process's descriptors and its end.
    @discardableResult
    package func poll() -> Termination? {
        if let status = termination { return status }
        let wasOpen = errors != nil
        readErrors()
        if case .stopping(let deadline) = state, MonotonicClock.now() >= deadline { kill() }
        reap()
        if wasOpen && errors == nil { awaitEnd(within: 20_000_000) }
        return termination
    }

    /// A dying process closes its descriptors some microseconds before it can be reaped.
    private func awaitEnd(within nanoseconds: UInt64) {
        let limit = MonotonicClock.now() + nanoseconds
        while termination == nil && MonotonicClock.now() < limit {
            _ = waitForInput(on: -1, milliseconds: 1)
            reap()
        }
    }

    /// Asks the child to end: closes its standard input and sends SIGTERM. `poll` kills it once `grace` nanoseconds have
    /// passed. Asking again changes nothing.
    package func requestStop(grace: UInt64) {
        guard case .running = state else { return }
        state = .stopping(deadline: MonotonicClock.now() + grace)
        lifeline = nil
        send(SIGTERM)
    }

    /// Ends the child and everything else in its process group at once. It still has to be reaped, by `poll`.
    package func kill() {
        guard termination == nil else { return }
        state = .killed
        lifeline = nil
        send(SIGKILL)
    }

    /// Ends all of them, in the same `grace` nanoseconds, and waits until they are reaped.
    ///
    /// A killed process that the kernel does not let go (a dead network disk) is waited for no longer than five seconds;
    /// its `termination` stays nil.
    package static func stop(_ children: [ChildProcess], grace: UInt64) {
        for child in children { child.requestStop(grace: grace) }
        let limit = MonotonicClock.now() + grace + 5_000_000_000
        for child in children {
            while child.poll() == nil && MonotonicClock.now() < limit {
                _ = waitForInput(on: child.descriptor ?? -1, milliseconds: 5)
            }
        }
    }

    private func readErrors() {
        // Bounded, so that a child that never stops talking cannot keep us here.
        for _ in 0..<64 {
            switch errors?.read() {
            case .bytes(let bytes): tail.append(bytes)
            case .end: errors = nil
            case .nothingYet, nil: return
            }
        }
    }

    private func reap() {
        guard termination == nil else { return }
        var information = siginfo_t()
        let hasEnded = waitid(P_PID, id_t(processIdentifier), &information, WEXITED | WNOHANG | WNOWAIT) == 0
        // si_signo stays 0 when there was nothing to tell (waitid(2)).
        guard hasEnded && information.si_signo == SIGCHLD else { return }
        // What it may have started goes with it. Until it is reaped, nobody else can have its process group's number.
        send(SIGKILL)
        var status: Int32 = 0
        guard waitpid(processIdentifier, &status, WNOHANG) == processIdentifier else { return }
        finish(Termination(waitStatus: status))
    }

    private func finish(_ status: Termination) {
        state = .ended(status)
        lifeline = nil
        // What it said last. Something it started may still hold the pipe: we do not wait for that.
        readErrors()
        errors = nil
    }

    /// To its whole process group. It is not reaped yet, so neither number can have been given to another.
    private func send(_ signal: Int32) {
        Glibc.kill(-processIdentifier, signal)
    }
}
