// What Swift has no name for: single vector instructions, and prefetching.
#pragma once

typedef float float8 __attribute__((ext_vector_type(8)));

// The correctly rounded square root of each lane (IEEE 754). Swift's SIMD8.squareRoot() is eight scalar ones, each with a test
// for errno's sake.
static inline __attribute__((always_inline)) float8 square_root(float8 x) { return __builtin_elementwise_sqrt(x); }

// Asks for a cache line that will be read soon.
static inline __attribute__((always_inline)) void prefetch(const void *address) { __builtin_prefetch(address); }

// Bit i is whether lane i of x is less than (equal to) lane i of y.
typedef _Bool bool8 __attribute__((ext_vector_type(8)));
typedef int int8 __attribute__((ext_vector_type(8)));
static inline __attribute__((always_inline)) unsigned char bits_of_truth(int8 truth) {
#ifdef __AVX__
    return (unsigned char)__builtin_ia32_movmskps256((float8)truth);
#else
    bool8 bits = __builtin_convertvector(truth, bool8);
    unsigned char result;
    __builtin_memcpy(&result, &bits, 1);
    return result;
#endif
}
static inline __attribute__((always_inline)) unsigned char less_bits(float8 x, float8 y) { return bits_of_truth(x < y); }
static inline __attribute__((always_inline)) unsigned char equal_bits(float8 x, float8 y) { return bits_of_truth(x == y); }

// The place of the set bit number `number` (from 0) of a word that has so many.
static inline __attribute__((always_inline)) int place_of_bit(unsigned long long word, int number) {
#ifdef __BMI2__
    return __builtin_ctzll(__builtin_ia32_pdep_di(1ull << number, word));
#else
    for (; number > 0; number--) word &= word - 1;
    return __builtin_ctzll(word);
#endif
}

typedef unsigned word8 __attribute__((ext_vector_type(8)));

// The smaller of each lane.
static inline __attribute__((always_inline)) word8 smaller_words(word8 x, word8 y) { return __builtin_elementwise_min(x, y); }

// Bit i is whether lane i of x has, in the bits of `known`, those of `prefix`.
static inline __attribute__((always_inline)) unsigned char match_bits(float8 x, unsigned known, unsigned prefix) {
    return bits_of_truth(((word8)x & known) == (word8)prefix);
}

// −1 in the lanes where x is less than y, else 0.
static inline __attribute__((always_inline)) int8 minus_one_where_less(float8 x, float8 y) { return x < y; }

static inline __attribute__((always_inline)) float8 floats_of(int8 x) { return __builtin_convertvector(x, float8); }

// Truncated; of what an int32_t holds.
static inline __attribute__((always_inline)) int8 integers_of(float8 x) { return __builtin_convertvector(x, int8); }
