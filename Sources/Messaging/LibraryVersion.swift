// The version of libzmq that this process runs with (not the one it was compiled with).

internal import CZeroMQ

/// A version of libzmq, ordered as versions are.
package struct LibraryVersion: Comparable, Sendable, CustomStringConvertible {
    package let major, minor, patch: Int32

    package init(major: Int32, minor: Int32, patch: Int32) {
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    package static let oldestSupported = LibraryVersion(major: 4, minor: 3, patch: 3)

    /// The library that is loaded now.
    package static var loaded: LibraryVersion {
        var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
        zmq_version(&major, &minor, &patch)
        return LibraryVersion(major: major, minor: minor, patch: patch)
    }

    /// Throws when this version must not be used.
    package func requireSupported() throws(UnsupportedLibraryError) {
        guard self >= .oldestSupported else { throw UnsupportedLibraryError(found: self) }
    }

    package static func < (left: LibraryVersion, right: LibraryVersion) -> Bool {
        (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
    }

    package var description: String { "\(major).\(minor).\(patch)" }
}
