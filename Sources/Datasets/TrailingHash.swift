// SHA-256 that runs behind the producer of the bytes, on another thread: decompressing and hashing a dataset take equally
// long, and a run waits for both before its first step.
import Dispatch
import Storage

/// A hash of pieces that are given in order and taken in later.
///
/// Unchecked because the compiler cannot see that `hash` is touched only by blocks of the serial `queue`.
final class TrailingHash: @unchecked Sendable {
    private let queue = DispatchQueue(label: "siamese.dataset-hash")
    private var hash = SHA256()

    func update(_ bytes: [UInt8]) {
        queue.async { self.hash.update(bytes) }
    }

    /// `bytes` must stay as they are until `wait` or `finish` has returned.
    func update(later bytes: UnsafeRawBufferPointer) {
        nonisolated(unsafe) let bytes = bytes
        queue.async { self.hash.update(bytes) }
    }

    /// Returns when all pieces so far have been taken in.
    func wait() {
        queue.sync {}
    }

    func finish() -> SHA256.Digest {
        queue.sync { hash.finish() }
    }
}
