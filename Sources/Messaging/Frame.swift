// One frame of a message: immutable bytes that can be sent, without copying, to any number of peers. What the bytes
// mean is not known here.

internal import CZeroMQ

/// Immutable bytes: allocated here, lent by another object, or received from libzmq.
///
/// A frame of `Frame.smallestShared` bytes or more is sent without copying: libzmq retains the frame, and with it the
/// owner of its bytes, until the last peer has been served or given up. Shorter frames are copied.
///
/// Sendable: the bytes are never written after `init`, but by the one who has taken them (`takenBytes`); the origin is only
/// touched again by `deinit`, and libzmq releases frames (and closes received ones) from any thread.
package final class Frame: @unchecked Sendable {
    /// Bytes. libzmq's encoder copies anything shorter into its own 8 KiB batch (`out_batch_size`), so sharing it would
    /// save nothing.
    package static let smallestShared = 8192

    private enum Origin {
        case allocated
        case lent(by: AnyObject)
        case received(UnsafeMutablePointer<zmq_msg_t>)
    }

    private let bytes: UnsafeRawBufferPointer
    private let origin: Origin

    private init(bytes: UnsafeRawBufferPointer, origin: Origin) {
        self.bytes = bytes
        self.origin = origin
    }

    /// Copies `source`.
    package convenience init(copying source: UnsafeRawBufferPointer) {
        self.init(bytes: copy(of: source), origin: .allocated)
    }

    /// Copies `source`.
    package convenience init(_ source: [UInt8]) {
        self.init(bytes: source.withUnsafeBytes(copy), origin: .allocated)
    }

    /// Lends the memory of another object, without copying.
    ///
    /// The owner is retained as long as the frame or libzmq needs the bytes, so `isKnownUniquelyReferenced(&owner)`
    /// tells when it may be written again, once the caller has let go of the frame. Its `deinit` may run on an I/O
    /// thread of libzmq; it must not own a socket.
    /// - Parameter bytes: valid as long as `owner` lives, and not written while it is shared.
    package convenience init(borrowing owner: AnyObject, bytes: UnsafeRawBufferPointer) {
        self.init(bytes: bytes, origin: .lent(by: owner))
    }

    /// Takes over a message that `zmq_msg_recv` filled. It stays where it is: libzmq keeps short contents inside the
    /// `zmq_msg_t` itself.
    private convenience init(adopting message: UnsafeMutablePointer<zmq_msg_t>) {
        let bytes = UnsafeRawBufferPointer(start: zmq_msg_data(message), count: zmq_msg_size(message))
        self.init(bytes: bytes, origin: .received(message))
    }

    deinit {
        switch origin {
        case .allocated:
            bytes.deallocate()
        case .lent:
            break
        case .received(let message):
            zmq_msg_close(message)
            message.deallocate()
        }
    }

    package var count: Int { bytes.count }

    /// The bytes of a received frame, to write to; nil for any other frame. Whoever takes them keeps the frame alive, and is
    /// the only one to look at it from now on.
    package var takenBytes: UnsafeMutableRawBufferPointer? {
        guard case .received = origin else { return nil }
        return UnsafeMutableRawBufferPointer(mutating: bytes)
    }

    /// Calls `body` with the bytes. Those of a received frame may have any alignment: read them with `loadUnaligned`.
    package func withUnsafeBytes<Value, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try withExtendedLifetime(self) { () throws(Failure) -> Value in try body(bytes) }
    }
}

extension Frame {
    /// The key that the sender of a received frame has proved; nil if it came through a socket without keys. The same for
    /// everything that comes from a `RoutingID`, and not quite cheap: ask once.
    package var senderKey: PublicKey? {
        guard case .received(let message) = origin, let user = zmq_msg_gets(message, "User-Id") else { return nil }
        return PublicKey(z85: String(cString: user))
    }

    /// The descriptor of the link that a received frame came over; nil if there is none.
    package var linkDescriptor: Int32? {
        guard case .received(let message) = origin else { return nil }
        let descriptor = zmq_msg_get(message, ZMQ_SRCFD)
        return descriptor >= 0 ? descriptor : nil
    }
}

/// Aligned to 16, which suits every scalar.
private func copy(of source: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 16)
    copy.copyMemory(from: source)
    return UnsafeRawBufferPointer(copy)
}

// MARK: - To and from libzmq

extension Frame {
    enum Sending {
        case done
        /// The error number that `zmq_msg_send` left; nothing of the frame is kept by libzmq.
        case refused(Int32)
    }

    /// Hands the frame to libzmq. Never blocks if `flags` holds `ZMQ_DONTWAIT`.
    func send(on socket: UnsafeMutableRawPointer, flags: Int32) -> Sending {
        var message = zmq_msg_t()
        guard prepare(&message) == 0 else { return .refused(zmq_errno()) }
        while zmq_msg_send(&message, socket, flags) < 0 {
            let code = zmq_errno()
            guard code == EINTR else {
                zmq_msg_close(&message)
                return .refused(code)
            }
        }
        return .done
    }

    private func prepare(_ message: UnsafeMutablePointer<zmq_msg_t>) -> Int32 {
        guard count >= Frame.smallestShared else {
            let status = zmq_msg_init_size(message, count)
            if status == 0 {
                UnsafeMutableRawBufferPointer(start: zmq_msg_data(message), count: count).copyMemory(from: bytes)
            }
            return status
        }
        let hint = Unmanaged.passRetained(self)
        let start = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        let status = zmq_msg_init_data(message, start, count, releaseFrame, hint.toOpaque())
        if status != 0 { hint.release() }  // ENOMEM: nothing of it is kept
        return status
    }

    /// The next frame that waits on a socket and whether the message goes on after it, or nil if none waits.
    static func receive(
        from socket: UnsafeMutableRawPointer
    ) throws(ZeroMQError) -> (frame: Frame, isLast: Bool)? {
        let message = UnsafeMutablePointer<zmq_msg_t>.allocate(capacity: 1)
        zmq_msg_init(message)
        while zmq_msg_recv(message, socket, ZMQ_DONTWAIT) < 0 {
            let code = zmq_errno()
            if code == EINTR { continue }
            zmq_msg_close(message)
            message.deallocate()
            if code == EAGAIN { return nil }
            throw ZeroMQError(attempt: "receive a frame", code: code)
        }
        let isLast = zmq_msg_more(message) == 0
        return (Frame(adopting: message), isLast)
    }
}

/// libzmq calls this, on any thread, when no peer needs the bytes any more.
private func releaseFrame(_ data: UnsafeMutableRawPointer?, _ hint: UnsafeMutableRawPointer?) {
    guard let hint else { return }
    Unmanaged<Frame>.fromOpaque(hint).release()
}
