// Work on several threads whose result does not depend on how many there are: tasks are numbered, each writes to its own place.
internal import Dispatch
internal import Synchronization

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
