// A failed call into libzmq, as a value. What a peer sends is never one of these: it comes back as a result.

internal import CZeroMQ

/// A libzmq call that failed: what was attempted, and the error number it left.
package struct ZeroMQError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was attempted, as a phrase that completes "cannot …": `"create a socket"`.
    package let attempt: String
    /// The value of `zmq_errno()`: an errno value, or one of libzmq's own above `ZMQ_HAUSNUMERO`.
    package let code: Int32

    package init(attempt: String, code: Int32) {
        self.attempt = attempt
        self.code = code
    }

    /// Takes the error number of the libzmq call that has just failed on this thread.
    static func last(_ attempt: @autoclosure () -> String) -> ZeroMQError {
        let code = zmq_errno()
        return ZeroMQError(attempt: attempt(), code: code)
    }

    package var description: String {
        "cannot \(attempt): \(reason(ofCode: code))\(advice)"
    }

    private var advice: String {
        switch code {
        case EMFILE: "; raise the limit of open files (ulimit -n) or start fewer workers"
        case ENOMEM: "; the machine is out of memory"
        default: ""
        }
    }
}

/// The text of an error number, libzmq's own included.
func reason(ofCode code: Int32) -> String {
    zmq_strerror(code).map { String(cString: $0) } ?? "error \(code)"
}

/// The libzmq found at run time is too old to face a network: before 4.3.3 a peer could crash it before it had
/// authenticated itself (CVE-2019-13132, CVE-2020-15166).
package struct UnsupportedLibraryError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What `zmq_version` said.
    package let found: LibraryVersion

    package init(found: LibraryVersion) {
        self.found = found
    }

    package var description: String {
        "libzmq \(found) is too old: versions before \(LibraryVersion.oldestSupported) have holes that a peer can use "
            + "before it is authenticated; install libzmq \(LibraryVersion.oldestSupported) or later (Debian: libzmq5)"
    }
}

/// Why a `Context` could not be made.
package enum ContextError: Error, Equatable, Sendable, CustomStringConvertible {
    case unsupportedLibrary(UnsupportedLibraryError)
    case failed(ZeroMQError)

    package var description: String {
        switch self {
        case .unsupportedLibrary(let error): error.description
        case .failed(let error): error.description
        }
    }
}
