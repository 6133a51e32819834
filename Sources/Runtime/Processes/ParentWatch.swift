// The child's side of `ChildProcess`: the parent lives as long as standard input stays open. Nothing is ever read
// from it that means anything.

internal import Glibc

/// Tells a child when its parent has gone, by any means: exit, crash or SIGKILL.
package struct ParentWatch: Sendable {
    /// Readable when the parent has gone: then ask `parentHasGone`.
    package let descriptor: Int32

    /// - Parameter descriptor: the reading end of the pipe that the parent holds open: standard input.
    package init(descriptor: Int32 = STDIN_FILENO) {
        self.descriptor = descriptor
    }

    /// Whether the other end is closed. Does not wait; anything written there is dropped.
    package func parentHasGone() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 256)
        while waitForInput(on: descriptor, milliseconds: 0) {
            let count = read(descriptor, &buffer, buffer.count)
            if count == 0 || (count < 0 && errno != EINTR) { return true }
        }
        return false
    }

    /// Ends this process `grace` milliseconds after its parent has gone, whatever its other threads do then: the last
    /// resort for one that hangs. A process that leaves by itself in time never notices.
    ///
    /// On a thread of its own: a pool's threads may all be among those that hang.
    package func exitAfterParent(graceMilliseconds: Int32, code: Int32) throws(ProcessError) {
        let plan = Unmanaged.passRetained(LastResort(watch: self, grace: graceMilliseconds, code: code))
        var thread = pthread_t()
        let status = pthread_create(&thread, nil, exitWhenParentHasGone, plan.toOpaque())
        guard status == 0 else {
            plan.release()
            throw ProcessError(attempt: "start the thread that watches the parent", code: status)
        }
        pthread_detach(thread)
    }
}

private final class LastResort: Sendable {
    let watch: ParentWatch
    let grace: Int32
    let code: Int32

    init(watch: ParentWatch, grace: Int32, code: Int32) {
        self.watch = watch
        self.grace = grace
        self.code = code
    }
}

private func exitWhenParentHasGone(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    let plan = Unmanaged<LastResort>.fromOpaque(context).takeRetainedValue()
    while !plan.watch.parentHasGone() { _ = waitForInput(on: plan.watch.descriptor, milliseconds: -1) }
    _ = waitForInput(on: -1, milliseconds: plan.grace)
    _exit(plan.code)
}
