// Waits for the first of many sockets and file descriptors to have something to read. It reads nothing.

internal import CZeroMQ
internal import Glibc

/// What to wait for, each thing under a label of the caller's choosing (an enum with a case for each makes the loop a
/// `switch`). Retains the sockets it watches. Not Sendable: it belongs to the thread of its sockets.
package final class Poller<Label: Hashable> {
    private var labels: [Label] = []
    private var sources: [PollSource] = []

    package init() {}

    package func watch(_ socket: RouterSocket, as label: Label) { add(.socket(socket.handle), label) }
    package func watch(_ socket: DealerSocket, as label: Label) { add(.socket(socket.handle), label) }
    package func watch(_ monitor: ConnectionMonitor, as label: Label) { add(.socket(monitor.handle), label) }

    package func watch(_ gatekeeper: Gatekeeper, as label: Label) { add(.socket(gatekeeper.wake), label) }
    func watch(_ socket: SocketHandle, as label: Label) { add(.socket(socket), label) }

    /// A pipe, eventfd, signalfd, … The end of file and an error count as readable. The descriptor stays the caller's,
    /// who must `forget` it before closing it.
    package func watch(descriptor: Int32, as label: Label) { add(.descriptor(descriptor), label) }

    /// Stops watching; does nothing for a label that is not watched.
    package func forget(_ label: Label) {
        guard let index = labels.firstIndex(of: label) else { return }
        labels.remove(at: index)
        sources.remove(at: index)
    }

    private func add(_ source: PollSource, _ label: Label) {
        precondition(!labels.contains(label), "\(label) is watched already")
        labels.append(label)
        sources.append(source)
    }

    /// The labels that have something to read, in the order in which they were added; empty when `deadline` came first.
    ///
    /// Never returns empty before the deadline, and up to a millisecond after it (zmq_poll's resolution).
    /// - Parameter deadline: nanoseconds of `MonotonicClock`; one in the past only looks, nil waits for ever.
    package func wait(until deadline: UInt64?) throws(ZeroMQError) -> [Label] {
        var items = sources.map(\.item)
        while true {
            let milliseconds = pollMilliseconds(until: deadline, from: MonotonicClock.now())
            let ready = zmq_poll(&items, Int32(items.count), milliseconds)
            if ready > 0 { return zip(labels, items).filter { $0.1.revents != 0 }.map(\.0) }
            if ready < 0 && zmq_errno() != EINTR { throw .last("wait for \(items.count) sockets") }
            if let deadline, MonotonicClock.now() >= deadline { return [] }
        }
    }
}

private enum PollSource {
    case socket(SocketHandle)
    case descriptor(Int32)

    var item: zmq_pollitem_t {
        switch self {
        case .socket(let handle): zmq_pollitem_t(socket: handle.raw, fd: -1, events: Int16(ZMQ_POLLIN), revents: 0)
        case .descriptor(let number): zmq_pollitem_t(socket: nil, fd: number, events: Int16(ZMQ_POLLIN), revents: 0)
        }
    }
}

/// What zmq_poll is told: rounded up, so that it does not return just before the deadline and spin; at most an hour, so
/// that no conversion inside libzmq overflows; -1 for ever.
private func pollMilliseconds(until deadline: UInt64?, from now: UInt64) -> Int {
    guard let deadline else { return -1 }
    guard deadline > now else { return 0 }
    let remaining = deadline - now
    let milliseconds = remaining / 1_000_000 + (remaining % 1_000_000 == 0 ? 0 : 1)
    return Int(min(milliseconds, 3_600_000))
}
