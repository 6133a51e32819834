// Work on several threads whose result does not depend on how many there are: tasks are numbered, each writes to its own place.
internal import Dispatch
internal import Synchronization

/// The same in slices of a fraction of a second, with `pausing` called on this thread after each: whoever has a socket to look
/// after need not leave it alone for the whole time.
package func forEachTask(
    _ tasks: Int, threads: Int, pausing: () throws -> Void, _ body: (_ task: Int, _ thread: Int) -> Void
) rethrows {
    let slice = 64
    for first in stride(from: 0, to: tasks, by: slice) {
        forEachTask(min(slice, tasks - first), threads: threads) { task, thread in body(first + task, thread) }
        try pausing()
    }
}

/// Runs `body(task, thread)` for every task in 0..<tasks on at most `threads` threads; returns when all are done.
///
/// Tasks are taken in order by whichever thread is free. `thread` is in 0..<threads and never used by two tasks at
/// once, so it may name a workspace.
package func forEachTask(_ tasks: Int, threads: Int, _ body: (_ task: Int, _ thread: Int) -> Void) {
    if threads <= 1 || tasks <= 1 {
        for task in 0..<tasks { body(task, 0) }
        return
    }
    let next = Atomic<Int>(0)
    withoutActuallyEscaping(body) { body in
        // The closure is shared by threads that run only inside this call.
        nonisolated(unsafe) let body = body
        DispatchQueue.concurrentPerform(iterations: min(threads, tasks)) { thread in
            while true {
                let task = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard task < tasks else { return }
                body(task, thread)
            }
        }
    }
}
