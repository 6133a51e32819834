// Functions of glibc that Swift's Glibc module hides, because it is built without _GNU_SOURCE.
#pragma once
#include <spawn.h>

// pipe(2): descriptors that are close-on-exec from the first moment on. Since glibc 2.9.
int pipe2(int ends[2], int flags);

// posix_spawn(3): the child closes every descriptor from `from` on. Since glibc 2.34.
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
