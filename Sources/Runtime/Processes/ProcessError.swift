// Why a program could not be started, or a descriptor not be had, in words that say what to do.

internal import Glibc

/// A system call that failed while processes, pipes or signals were set up.
package struct ProcessError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was attempted, as a phrase that completes "cannot …".
    package let attempt: String
    /// An errno value.
    package let code: Int32

    package var description: String {
        "cannot \(attempt): \(String(cString: strerror(code)))\(advice)"
    }

    private var advice: String {
        switch code {
        case ENOENT: "; is the program still where it was built?"
        case EACCES: "; may this user execute it?"
        case EMFILE, ENFILE: "; raise the limit of open files (ulimit -n) or start fewer workers"
        case EAGAIN: "; raise the limit of processes (ulimit -u) or start fewer workers"
        default: ""
        }
    }
}
