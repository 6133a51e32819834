// Why a socket could not listen or connect, in words that say what to do.

internal import CZeroMQ

/// A socket could not listen on `endpoint`.
package struct BindError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Cause: Equatable, Sendable {
        case addressInUse
        case permissionDenied
        /// No network interface has this name or address.
        case noSuchInterface
        /// The folder of the Unix socket does not exist.
        case noSuchFolder
        case other(ZeroMQError)
    }

    package let endpoint: Endpoint
    package let cause: Cause

    init(endpoint: Endpoint, error: ZeroMQError) {
        self.endpoint = endpoint
        cause =
            switch error.code {
            case EADDRINUSE: .addressInUse
            case EACCES, EPERM, EROFS: .permissionDenied
            case ENODEV, EADDRNOTAVAIL: .noSuchInterface
            case ENOENT, ENOTDIR: .noSuchFolder
            default: .other(error)
            }
    }

    package var description: String {
        "cannot listen on \(endpoint): \(reason)"
    }

    private var reason: String {
        switch cause {
        case .addressInUse:
            "the port is in use; is another coordinator running? Choose another port, or 0 for any free one"
        case .permissionDenied:
            "permission denied; ports below 1024 are root's, and a Unix socket needs a folder that you may write"
        case .noSuchInterface:
            "this machine has no such interface or address; 0.0.0.0 listens on every one"
        case .noSuchFolder:
            "its folder does not exist; create it first"
        case .other(let error):
            Messaging.reason(ofCode: error.code)
        }
    }
}

/// A socket could not begin to connect. Whether anybody listens shows later, if ever: libzmq goes on trying.
package enum ConnectError: Error, Equatable, Sendable, CustomStringConvertible {
    case endpoint(EndpointError)
    case failed(ZeroMQError)

    package var description: String {
        switch self {
        case .endpoint(let error): error.description
        case .failed(let error): error.description
        }
    }
}
