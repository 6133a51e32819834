// Threads that stay awake between pieces of work that follow each other within microseconds: to wake one takes as long as such a piece.
internal import CLinux
internal import Dispatch
internal import Glibc
internal import Synchronization

/// Shares out tasks among threads that are gathered once for many pieces of work. Used by one thread at a time.
package final class Team: Sendable {
    private let threads: Int
    /// The piece of work that may be helped with, by its address; 0: there is none.
    private let open = Atomic<UInt>(0)
    /// Threads that have looked at it, or are about to.
    private let inside = Atomic<Int>(0)
    private let isOver = Atomic<Bool>(true)
    /// Whether somebody has taken on the work that is helped with. Whichever thread comes first: nobody may wait for one that may not come.
    private let isTaken = Atomic<Bool>(false)

    package init(threads: Int) { self.threads = threads }

    /// Calls `body`; meanwhile at most `wanted` threads in all, its own among them, do what it hands to `share`. They do nothing else, and
    /// never rest: `body` should be short.
    package func gather<Result>(_ wanted: Int, _ body: () -> Result) -> Result {
        let threads = min(threads, wanted)
        guard threads > 1 else { return body() }
        isOver.store(false, ordering: .relaxed)
        isTaken.store(false, ordering: .relaxed)
        var result: Result?
        withUnsafeMutablePointer(to: &result) { result in
            withoutActuallyEscaping(body) { body in
                nonisolated(unsafe) let (body, result) = (body, result)
                DispatchQueue.concurrentPerform(iterations: threads) { _ in
                    guard !self.isTaken.exchange(true, ordering: .relaxed) else { return self.help() }
                    result.pointee = body()
                    self.isOver.store(true, ordering: .releasing)
                }
            }
        }
        guard let result else { preconditionFailure("one of the iterations was the first") }
        return result
    }

    /// Runs `body(task)` for every task in 0..<tasks; returns when all are done. Outside of `gather` on this thread alone.
    package func share(_ tasks: Int, _ body: (_ task: Int) -> Void) {
        withoutActuallyEscaping(body) { body in
            let piece = Piece(tasks: tasks, body: body)
            withExtendedLifetime(piece) {
                open.store(
                    UInt(bitPattern: Unmanaged.passUnretained(piece).toOpaque()), ordering: .sequentiallyConsistent)
                piece.work()
                // Everything has been begun. Who comes now finds nothing; who is inside may still be at something.
                open.store(0, ordering: .sequentiallyConsistent)
                while inside.load(ordering: .sequentiallyConsistent) != 0 { spin_pause() }
            }
        }
    }

    /// Pauses, after each of which somebody who has something to do gets the core.
    private static let patience = 4096

    private func help() {
        var pauses = 0
        while !isOver.load(ordering: .acquiring) {
            guard open.load(ordering: .relaxed) != 0 else {
                spin_pause()
                pauses += 1
                if pauses % Self.patience == 0 { sched_yield() }
                continue
            }
            // First inside, then a second look: who closes a piece and sees nobody inside will not be found to have left it open.
            inside.wrappingAdd(1, ordering: .sequentiallyConsistent)
            if let address = UnsafeRawPointer(bitPattern: open.load(ordering: .sequentiallyConsistent)) {
                Unmanaged<Piece>.fromOpaque(address).takeUnretainedValue().work()
            }
            inside.wrappingSubtract(1, ordering: .sequentiallyConsistent)
        }
    }

    /// Tasks, taken in order by whoever is free.
    private final class Piece: Sendable {
        private let tasks: Int
        private nonisolated(unsafe) let body: (Int) -> Void
        private let next = Atomic<Int>(0)

        init(tasks: Int, body: @escaping (Int) -> Void) { (self.tasks, self.body) = (tasks, body) }

        func work() {
            while true {
                let task = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard task < tasks else { return }
                body(task)
            }
        }
    }
}
