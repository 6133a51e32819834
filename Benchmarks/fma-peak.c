// How many single-precision operations per second one core can do at most: the ceiling of every kernel here.
// Twelve independent accumulators of 256 bits hide the latency of a fused multiply-add (4 cycles, two a cycle: 8 are
// the least), and the loop touches no memory. It is a limit to compare with, not a benchmark of the machine.
//
//     cc -O3 -mavx2 -mfma -ffp-contract=fast fma-peak.c -o fma-peak && ./fma-peak
//
// Prints the best of ten rounds in GFLOP/s, one fused multiply-add of eight lanes counted as 16 operations.
#include <stdio.h>
#include <time.h>

enum { ACCUMULATORS = 12, LANES = 8, ROUNDS = 10 };
typedef float Vector __attribute__((vector_size(LANES * sizeof(float))));

static double seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

int main(void) {
    const long repeats = 5 * 1000 * 1000;
    // Read when the program runs: with constants the compiler sees that 1 · 0.999 + 0.001 is 1 and leaves that accumulator out.
    volatile float factor_value = 0.999f, addend_value = 0.001f;
    const Vector factor = (Vector){0} + factor_value, addend = (Vector){0} + addend_value;
    volatile float sink = 0;
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        Vector sum[ACCUMULATORS];
        for (int i = 0; i < ACCUMULATORS; i++) sum[i] = (Vector){0} + (float)i;
        const double start = seconds();
        for (long k = 0; k < repeats; k++)
            for (int i = 0; i < ACCUMULATORS; i++) sum[i] = sum[i] * factor + addend;
        const double elapsed = seconds() - start;
        for (int i = 0; i < ACCUMULATORS; i++) sink += sum[i][0];
        const double gflops = 2.0 * ACCUMULATORS * LANES * (double)repeats / elapsed / 1e9;
        if (gflops > best) best = gflops;
    }
    printf("%.1f\n", best);
    return 0;
}
