// What glibc's allocator does with the memory of messages, which libzmq allocates and frees for every frame.
internal import CLinux

/// Freed memory stays with this process. As it comes, glibc gives frames of a megabyte back to the kernel and has them faulted
/// in again, page by page, for the next step.
func keepFreedMemory() {
    _ = mallopt(M_MMAP_THRESHOLD, 32 << 20)
    _ = mallopt(M_TRIM_THRESHOLD, 1 << 30)
}
