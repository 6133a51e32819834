// What Swift has no name for: one vector instruction, and prefetching.
#pragma once

typedef float float8 __attribute__((ext_vector_type(8)));

// The correctly rounded square root of each lane (IEEE 754). Swift's SIMD8.squareRoot() is eight scalar ones, each with a test
// for errno's sake.
static inline __attribute__((always_inline)) float8 square_root(float8 x) { return __builtin_elementwise_sqrt(x); }

// Asks for a cache line that will be read soon.
static inline __attribute__((always_inline)) void prefetch(const void *address) { __builtin_prefetch(address); }
