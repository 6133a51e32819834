// Functions of Linux and glibc that Swift's Glibc module hides, because it is built without _GNU_SOURCE, or that glibc lacks.
#pragma once
#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

// pipe(2): descriptors that are close-on-exec from the first moment on. Since glibc 2.9.
int pipe2(int ends[2], int flags);

// posix_spawn(3): the child closes every descriptor from `from` on. Since glibc 2.34.
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);

long syscall(long number, ...);

// Tells the processor that this is a loop that waits.
static inline void spin_pause(void) {
#ifdef __x86_64__
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// accept4(2): the new descriptor is close-on-exec and does not block, from the first moment on.
static inline int accept_closing_on_exec(int listener) {
    return (int)syscall(SYS_accept4, listener, (void *)0, (void *)0, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

// 127.0.0.1 at a port. bind(2) and connect(2) want it as a `sockaddr`, which in Swift is a page of casts.
static inline struct sockaddr_in loopback_address(uint16_t port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    return address;
}

static inline int bind_to_loopback(int number, uint16_t port) {
    struct sockaddr_in address = loopback_address(port);
    return bind(number, (struct sockaddr *)&address, sizeof address);
}

static inline int connect_to_loopback(int number, uint16_t port) {
    struct sockaddr_in address = loopback_address(port);
    return connect(number, (struct sockaddr *)&address, sizeof address);
}

// sched_setattr(2), which glibc 2.36 has no function for: the time slice of the calling thread and of those it starts from now
// on, in nanoseconds (0: the kernel's own). Since Linux 6.12; older kernels take the call and change nothing.
static inline int set_time_slice(uint64_t nanoseconds) {
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {.size = 48, .nice = getpriority(PRIO_PROCESS, 0), .runtime = nanoseconds};
    return (int)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

// sched_getaffinity(2), sched_setaffinity(2): the cores that the calling thread, and those it starts from now on, may run on; a bit
// for each. glibc has them for masks of its own type only, which Swift does not see.
static inline long get_core_mask(uint64_t *mask, long bytes) { return syscall(SYS_sched_getaffinity, 0, bytes, mask); }
static inline long set_core_mask(const uint64_t *mask, long bytes) { return syscall(SYS_sched_setaffinity, 0, bytes, mask); }
