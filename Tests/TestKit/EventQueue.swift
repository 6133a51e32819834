// What will happen when, in a simulation. A binary heap; events of the same instant come in the order of scheduling, and those that
// waited for a stopped process in the order in which they came to it.

import Coordination

struct EventQueue<Event> {
    /// `came`: when it would have happened, had nobody been stopped.
    private var heap: [(time: Instant, came: Instant, sequence: UInt64, event: Event)] = []
    private var scheduled: UInt64 = 0

    mutating func schedule(_ event: Event, at time: Instant) {
        scheduled += 1
        insert((time, time, scheduled, event))
    }

    /// The next event that happens to a process that is not stopped. What comes to a stopped one waits, and loses its place to nothing
    /// that comes later, also if the process is stopped again meanwhile.
    ///
    /// - Parameter wake: until when the process that an event happens to is stopped; nil: it is not
    mutating func next(waitingUntil wake: (Event) -> Instant?) -> (time: Instant, event: Event)? {
        while let first = removeFirst() {
            guard let time = wake(first.event), time > first.time else { return (first.time, first.event) }
            insert((time, first.came, first.sequence, first.event))
        }
        return nil
    }

    private mutating func insert(_ entry: (time: Instant, came: Instant, sequence: UInt64, event: Event)) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0, isEarlier(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func removeFirst() -> (time: Instant, came: Instant, sequence: UInt64, event: Event)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        return first
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && isEarlier(child, smallest) {
                smallest = child
            }
            if smallest == parent { return }
            heap.swapAt(parent, smallest)
            parent = smallest
        }
    }

    private func isEarlier(_ left: Int, _ right: Int) -> Bool {
        let (left, right) = (heap[left], heap[right])
        return (left.time, left.came, left.sequence) < (right.time, right.came, right.sequence)
    }
}
