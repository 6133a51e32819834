// How fast this machine's memory is: the ceiling of everything that only moves bytes. Copy and triad (a = b + s·c) as in
// McCalpin's STREAM: the bytes that the program reads and writes, not those of the caches' own traffic.
//
//     cc -O3 -pthread memory-bandwidth.c -o memory-bandwidth && ./memory-bandwidth THREADS
//
// Prints the best of ten rounds of both, all threads together, in GB/s.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 10, MOST_THREADS = 256 };
static const size_t count = 8 * 1024 * 1024;  // floats of each array of a thread: 32 MiB, beyond its share of any cache

static double best[2];
static pthread_barrier_t barrier;

static double seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void triad(float *restrict a, const float *restrict b, const float *restrict c) {
    for (size_t i = 0; i < count; i++) a[i] = b[i] + 3.0f * c[i];
}

static void *work(void *argument) {
    const int threads = *(int *)argument;
    float *arrays[3];
    for (int i = 0; i < 3; i++) {
        arrays[i] = malloc(count * sizeof(float));
        if (!arrays[i]) exit(1);
        for (size_t k = 0; k < count; k++) arrays[i][k] = (float)k;
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int kind = 0; kind < 2; kind++) {
            pthread_barrier_wait(&barrier);
            const double begin = seconds();
            if (kind == 0) memcpy(arrays[0], arrays[1], count * sizeof(float));
            else triad(arrays[0], arrays[1], arrays[2]);
            __asm__ volatile("" ::"r"(arrays[0]) : "memory");
            // Beyond this barrier all are done, so any one thread may take the time.
            if (pthread_barrier_wait(&barrier) != PTHREAD_BARRIER_SERIAL_THREAD) continue;
            const double bytes = (double)((kind == 0 ? 2 : 3) * count * sizeof(float)) * threads;
            const double speed = bytes / (seconds() - begin) / 1e9;
            if (speed > best[kind]) best[kind] = speed;
        }
    }
    return NULL;
}

int main(int arguments, char **argument) {
    int threads = arguments > 1 ? atoi(argument[1]) : 1;
    if (threads < 1 || threads > MOST_THREADS) { fprintf(stderr, "usage: memory-bandwidth [THREADS]\n"); return 2; }
    pthread_t ids[MOST_THREADS];
    pthread_barrier_init(&barrier, NULL, (unsigned)threads);
    for (int i = 0; i < threads; i++) pthread_create(&ids[i], NULL, work, &threads);
    for (int i = 0; i < threads; i++) pthread_join(ids[i], NULL);
    printf("%.2f %.2f\n", best[0], best[1]);
    return 0;
}
