// Counts what one thread allocates: this target's malloc and its relatives take the place of the C library's in the whole
// test program, and pass every call on. For tests that show that something allocates nothing.
#pragma once

/// Starts counting on this thread, from zero.
void allocation_counter_start(void);

/// Stops, and returns how many blocks this thread asked for since the start (a block that grew counts).
long allocation_counter_stop(void);
