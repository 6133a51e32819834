// Standard input, output and error that were closed before the program began.
internal import Glibc

/// Opens /dev/null where one of them is closed. Otherwise the first files opened would get their numbers, and what is said on
/// standard error would be written into a checkpoint. To be called before anything is opened.
package func holdStandardDescriptors() {
    for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(number, F_GETFD) < 0 && errno == EBADF {
        // The lowest free number is this one, for those below it are open by now.
        _ = open("/dev/null", O_RDWR)
    }
}
