// How many blocks a piece of work allocates, on this thread.
import AllocationCounter

func allocations(_ body: () throws -> Void) rethrows -> Int {
    allocation_counter_start()
    defer { allocation_counter_stop() }
    try body()
    return allocation_counter_stop()
}
