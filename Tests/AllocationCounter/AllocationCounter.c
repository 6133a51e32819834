#include "AllocationCounter.h"

#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZER_HAS_THE_ALLOCATOR 1
#endif
#endif

// In the program's own thread-local memory: reaching it never allocates.
static _Thread_local __attribute__((tls_model("initial-exec"))) bool counting;
static _Thread_local __attribute__((tls_model("initial-exec"))) long blocks;
static _Thread_local __attribute__((tls_model("initial-exec"))) long live;
static _Thread_local __attribute__((tls_model("initial-exec"))) long peak;

static inline void gained(size_t bytes) {
    blocks += 1;
    live += (long)bytes;
    if (live > peak) peak = live;
}

#ifdef SANITIZER_HAS_THE_ALLOCATOR

// The sanitizer's allocator cannot be replaced; it calls us instead.
int __sanitizer_install_malloc_and_free_hooks(
    void (*malloc_hook)(const volatile void *, size_t), void (*free_hook)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *block);

static void gained_block(const volatile void *block, size_t bytes) {
    (void)block;
    if (counting) gained(bytes);
}

static void lost_block(const volatile void *block) {
    if (counting && block != NULL) live -= (long)__sanitizer_get_allocated_size(block);
}

__attribute__((constructor)) static void install_hooks(void) {
    __sanitizer_install_malloc_and_free_hooks(gained_block, lost_block);
}

#else

// The C library's own names for its allocator.
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

static inline void *counted(void *block) {
    if (counting && block != NULL) gained(malloc_usable_size(block));
    return block;
}

void *malloc(size_t size) { return counted(__libc_malloc(size)); }

void *calloc(size_t number, size_t size) { return counted(__libc_calloc(number, size)); }

void *memalign(size_t alignment, size_t size) { return counted(__libc_memalign(alignment, size)); }

void *aligned_alloc(size_t alignment, size_t size) { return counted(__libc_memalign(alignment, size)); }

void free(void *block) {
    if (counting && block != NULL) live -= (long)malloc_usable_size(block);
    __libc_free(block);
}

void *realloc(void *block, size_t size) {
    if (!counting) return __libc_realloc(block, size);
    long before = block == NULL ? 0 : (long)malloc_usable_size(block);
    void *moved = __libc_realloc(block, size);
    if (moved == NULL && size > 0) return NULL;
    // While it moves, both are there.
    if (moved != NULL) gained(malloc_usable_size(moved));
    live -= before;
    return moved;
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
    void *memory = memalign(alignment, size);
    if (memory == NULL) return ENOMEM;
    *block = memory;
    return 0;
}

#endif

void allocation_counter_start(void) {
    blocks = live = peak = 0;
    counting = true;
}

long allocation_counter_stop(void) {
    counting = false;
    return blocks;
}

long allocation_counter_peak(void) { return peak; }
