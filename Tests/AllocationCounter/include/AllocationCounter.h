// Counts what one thread allocates: this target's malloc and its relatives take the place of the C library's in the whole
// test program, and pass every call on (under a sanitizer, which has an allocator of its own, they are its hooks). For tests
// that show that something allocates nothing, or never much.
#pragma once

/// Starts counting on this thread, from zero.
void allocation_counter_start(void);

/// Stops, and returns how many blocks this thread asked for since the start (a block that grew counts).
long allocation_counter_stop(void);

/// The most bytes that this thread held at once between the last start and stop, beyond what it held at the start.
long allocation_counter_peak(void);
