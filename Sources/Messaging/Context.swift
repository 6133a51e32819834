// A libzmq context: the I/O threads and the sockets of one process. It holds no policy and opens no connection.

internal import CZeroMQ

/// The owner of libzmq's I/O threads. Sockets retain their context, so it ends after the last of them, and its end is
/// bounded by their linger: `SocketOptions` has no infinite one.
///
/// Sendable: a libzmq context is thread-safe (zmq_ctx_new(3)), and `raw` never changes.
package final class Context: @unchecked Sendable {
    let raw: UnsafeMutableRawPointer

    /// - Parameter inputOutputThreads: libzmq advises one for every gigabyte of traffic a second.
    package init(inputOutputThreads: Int32 = 1) throws(ContextError) {
        precondition(inputOutputThreads > 0, "a context needs an I/O thread: got \(inputOutputThreads)")
        do { try LibraryVersion.loaded.requireSupported() } catch { throw .unsupportedLibrary(error) }
        guard let raw = zmq_ctx_new() else { throw .failed(.last("create a ZeroMQ context")) }
        self.raw = raw
        // ZMQ_BLOCKY 0: a socket whose linger nobody set would not linger at all, rather than for ever.
        for (option, value) in [(ZMQ_IO_THREADS, inputOutputThreads), (ZMQ_BLOCKY, 0)] {
            guard zmq_ctx_set(raw, option, value) == 0 else { throw .failed(.last("set context option \(option)")) }
        }
    }

    deinit {
        while zmq_ctx_term(raw) != 0 && zmq_errno() == EINTR {}
    }
}
