// Runs a program and kills it at a system call of its: the Nth one that would change the files in a folder whose names contain a
// word. For tests of what a crash at any point of writing a file leaves. Linux (5.3 or later); follows all threads of the program.
//
//   KillAt FOLDER WORD N -- PROGRAM ARGUMENTS…
//
// The call at which it is killed is not carried out. Calls that count: opening for writing, writing, syncing, cutting, renaming,
// removing; also syncing the folder itself. N counts from 1. Ends with 0 if it killed the program, and tells on standard error
// at which call; with 3 if the program ended before by itself with 0; otherwise with 1.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *folder, *word;
static pid_t program;

static void fail(const char *what) {
    fprintf(stderr, "KillAt: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int ofInterest(const char *path) {
    size_t length = strlen(folder);
    if (strncmp(path, folder, length) != 0) return 0;
    return path[length] == '\0' || (path[length] == '/' && strstr(path + length, word) != NULL);
}

// The text at an address of the program, as far as it can be read.
static void readText(uint64_t address, char *text, size_t size) {
    size_t got = 0;
    while (got + 1 < size) {
        // To the end of a page at most: the next one may not be there.
        size_t part = 4096 - (address + got) % 4096;
        if (part > size - 1 - got) part = size - 1 - got;
        struct iovec ours = {text + got, part}, theirs = {(void *)(uintptr_t)(address + got), part};
        ssize_t count = process_vm_readv(program, &ours, 1, &theirs, 1, 0);
        if (count <= 0) break;
        got += count;
        if (memchr(text + got - count, '\0', count) != NULL) return;
    }
    text[got] = '\0';
}

static void pathOfDescriptor(int descriptor, char *path, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/fd/%d", program, descriptor);
    ssize_t count = readlink(link, path, size - 1);
    path[count > 0 ? count : 0] = '\0';
}

// The name of the call if it counts, and the path it is about.
static const char *countedCall(const struct __ptrace_syscall_info *info, char *path, size_t size) {
    const unsigned long long *arguments = (const void *)info->entry.args;
    const char *name = NULL;
    int descriptor = -1;
    uint64_t address = 0;
    switch (info->entry.nr) {
    case SYS_openat:
        if ((arguments[2] & O_ACCMODE) == O_RDONLY) return NULL;
        name = "open", address = arguments[1];
        break;
    case SYS_write: name = "write", descriptor = arguments[0]; break;
    case SYS_pwrite64: name = "pwrite", descriptor = arguments[0]; break;
    case SYS_fsync: name = "fsync", descriptor = arguments[0]; break;
    case SYS_fdatasync: name = "fdatasync", descriptor = arguments[0]; break;
    case SYS_ftruncate: name = "ftruncate", descriptor = arguments[0]; break;
    case SYS_renameat2: name = "rename", address = arguments[1]; break;
    case SYS_renameat: name = "rename", address = arguments[1]; break;
    case SYS_unlinkat: name = "unlink", address = arguments[1]; break;
#ifdef SYS_open
    case SYS_open:
        if ((arguments[1] & O_ACCMODE) == O_RDONLY) return NULL;
        name = "open", address = arguments[0];
        break;
    case SYS_rename: name = "rename", address = arguments[0]; break;
    case SYS_unlink: name = "unlink", address = arguments[0]; break;
#endif
    default: return NULL;
    }
    if (descriptor >= 0) pathOfDescriptor(descriptor, path, size);
    else readText(address, path, size);
    return ofInterest(path) ? name : NULL;
}

static void start(char **command) {
    program = fork();
    if (program < 0) fail("fork");
    if (program > 0) return;
    if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0) fail("ptrace is not allowed here");
    raise(SIGSTOP);
    execv(command[0], command);
    fail(command[0]);
}

int main(int count, char **arguments) {
    if (count < 6 || strcmp(arguments[4], "--") != 0) {
        fprintf(stderr, "usage: KillAt FOLDER WORD N -- PROGRAM ARGUMENTS...\n");
        return 1;
    }
    folder = arguments[1], word = arguments[2];
    long left = atol(arguments[3]);
    start(arguments + 5);
    int status;
    if (waitpid(program, &status, 0) != program || !WIFSTOPPED(status)) fail("the program did not start");
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SETOPTIONS, program, 0, options) != 0) fail("ptrace");
    ptrace(PTRACE_SYSCALL, program, 0, 0);
    while (1) {
        pid_t thread = waitpid(-1, &status, __WALL);
        if (thread < 0) fail("wait");
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            if (thread != program) continue;
            if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 3;
            fprintf(stderr, "KillAt: the program ended with status %x\n", status);
            return 1;
        }
        int signal = WSTOPSIG(status);
        if (signal == (SIGTRAP | 0x80)) {
            signal = 0;
            struct __ptrace_syscall_info info;
            char path[PATH_MAX] = "";
            const char *name = NULL;
            if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY)
                name = countedCall(&info, path, sizeof path);
            if (name != NULL && --left == 0) {
                kill(program, SIGKILL);
                fprintf(stderr, "killed at %s %s\n", name, path);
                // Its threads end one by one; the program is gone after the last.
                while (waitpid(-1, &status, __WALL) > 0) {}
                return 0;
            }
        } else if (signal == SIGTRAP || signal == SIGSTOP) {
            signal = 0; // A new thread, or the program's first instruction.
        }
        ptrace(PTRACE_SYSCALL, thread, 0, signal);
    }
}
