// `--metrics-port`: the run's figures over HTTP, for Prometheus, on this machine only. A thread of its own serves what the
// coordinator's thread has published, so that no request, however slow or senseless, ever keeps a step waiting.
internal import CLinux
internal import Coordination
internal import Glibc
internal import Messaging
private import Synchronization

/// Serves http://127.0.0.1:PORT/metrics as long as it lives.
package final class MetricsServer {
    package let port: UInt16
    private let snapshot = MetricsSnapshot()
    private let stop: FileDescriptor
    private var thread = pthread_t()

    /// - Parameter port: 0: any free one
    /// - Throws: `RunFailure` if the port is taken
    package init(port: UInt16) throws {
        let listener = try FileDescriptor.listening(onLoopbackPort: port)
        self.port = try listener.localPort()
        let (output, input) = try FileDescriptor.pipe()
        stop = input
        let loop = MetricsLoop(listener: listener, stop: output, snapshot: snapshot)
        let context = Unmanaged.passRetained(loop)
        let status = pthread_create(&thread, nil, serveMetrics, context.toOpaque())
        guard status == 0 else {
            context.release()
            throw ProcessError(attempt: "start the thread that serves the metrics", code: status)
        }
    }

    /// Waits for the thread, which is gone within moments.
    deinit {
        var byte: UInt8 = 0
        _ = write(stop.number, &byte, 1)
        pthread_join(thread, nil)
    }

    package var address: String { "http://127.0.0.1:\(port)/metrics" }

    /// From now on this is what is served.
    package func publish(_ status: RunStatus) { snapshot.publish(status) }
}

/// What the coordinator's thread hands over to the server's.
private final class MetricsSnapshot: Sendable {
    private let latest = Mutex<(status: RunStatus, time: UInt64)?>(nil)

    func publish(_ status: RunStatus) {
        let time = MonotonicClock.now()
        latest.withLock { $0 = (status, time) }
    }

    func response(to path: String) -> HTTPResponse {
        guard path == "/metrics" else { return .notFound }
        guard let (status, time) = latest.withLock({ $0 }) else { return .notYet }
        let age = Double(MonotonicClock.now() - time) / 1e9
        return HTTPResponse(
            "200 OK", contentType: "text/plain; version=0.0.4; charset=utf-8", MetricsText(status, age: age).text)
    }
}

private func serveMetrics(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    Unmanaged<MetricsLoop>.fromOpaque(context).takeRetainedValue().run()
    return nil
}

// MARK: - The thread

/// The server's loop. Belongs to its thread from `run` on.
private final class MetricsLoop {
    /// When one more comes, who has taken longest goes: nobody who only sits there keeps others out.
    private static let mostConnections = 8

    private let listener: FileDescriptor
    private let stop: FileDescriptor
    private let snapshot: MetricsSnapshot
    private var connections: [MetricsConnection] = []
    /// The listener rests until then: there was no descriptor left for a connection.
    private var pausedUntil: UInt64 = 0

    init(listener: FileDescriptor, stop: FileDescriptor, snapshot: MetricsSnapshot) {
        self.listener = listener
        self.stop = stop
        self.snapshot = snapshot
    }

    func run() {
        while true {
            var now = MonotonicClock.now()
            let isListening = now >= pausedUntil
            var items = [pollfd(fd: stop.number, events: Int16(POLLIN), revents: 0)]
            items.append(pollfd(fd: isListening ? listener.number : -1, events: Int16(POLLIN), revents: 0))
            items += connections.map { pollfd(fd: $0.descriptor.number, events: $0.events, revents: 0) }
            _ = poll(&items, nfds_t(items.count), timeout(now))
            if items[0].revents != 0 { return }
            now = MonotonicClock.now()
            for (connection, item) in zip(connections, items.dropFirst(2)) {
                connection.attend(isReady: item.revents != 0, now: now, answer: snapshot.response(to:))
            }
            connections.removeAll(where: \.isOver)
            if items[1].revents != 0 { accept(now) }
        }
    }

    private func timeout(_ now: UInt64) -> Int32 {
        let deadlines = connections.map(\.deadline) + (pausedUntil > now ? [pausedUntil] : [])
        guard let next = deadlines.min() else { return -1 }
        return next > now ? Int32(min((next - now) / 1_000_000 + 1, 60_000)) : 0
    }

    private func accept(_ now: UInt64) {
        let number = accept_closing_on_exec(listener.number)
        if number >= 0 {
            if connections.count == Self.mostConnections { connections.removeFirst() }
            connections.append(MetricsConnection(FileDescriptor(owning: number), now: now))
        } else if ![EAGAIN, EINTR, ECONNABORTED].contains(errno) {
            pausedUntil = now + 100_000_000
        }
    }
}

/// One client, from its connection to its end, all of which takes no longer than `patience`.
private final class MetricsConnection {
    private static let patience: UInt64 = 2_000_000_000

    private enum State {
        case reading(HTTPRequest)
        case writing(rest: ArraySlice<UInt8>)
        /// All is said. Closing while bytes of the client are unread would reset the connection, and our answer with it.
        case draining
        case over
    }

    let descriptor: FileDescriptor
    let deadline: UInt64
    private var state = State.reading(HTTPRequest())

    /// - Parameter descriptor: does not block
    init(_ descriptor: FileDescriptor, now: UInt64) {
        self.descriptor = descriptor
        deadline = now + Self.patience
    }

    var isOver: Bool { if case .over = state { true } else { false } }

    var events: Int16 { if case .writing = state { Int16(POLLOUT) } else { Int16(POLLIN) } }

    func attend(isReady: Bool, now: UInt64, answer: (String) -> HTTPResponse) {
        if isReady {
            switch state {
            case .reading(let request): read(request, answer)
            case .writing(let rest): write(rest)
            case .draining: drain()
            case .over: break
            }
        }
        guard now >= deadline else { return }
        if case .reading = state { write(HTTPResponse.timeout.bytes[...]) }
        state = .over
    }

    private func read(_ request: HTTPRequest, _ answer: (String) -> HTTPResponse) {
        var request = request
        switch descriptor.read() {
        case .nothingYet: break
        case .end: state = .over
        case .bytes(let bytes):
            switch request.receive(bytes) {
            case .incomplete: state = .reading(request)
            case .get(let path): write(answer(path).bytes[...])
            case .refused(let response): write(response.bytes[...])
            }
        }
    }

    /// What the client takes now; the rest later.
    private func write(_ bytes: ArraySlice<UInt8>) {
        let count = bytes.withUnsafeBytes { send(descriptor.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        if count < 0 {
            state = errno == EAGAIN || errno == EINTR ? .writing(rest: bytes) : .over
        } else if count < bytes.count {
            state = .writing(rest: bytes.dropFirst(count))
        } else {
            shutdown(descriptor.number, Int32(SHUT_WR))
            state = .draining
        }
    }

    private func drain() {
        while true {
            switch descriptor.read() {
            case .bytes: continue
            case .nothingYet: return
            case .end: return state = .over
            }
        }
    }
}

extension FileDescriptor {
    fileprivate static func listening(onLoopbackPort port: UInt16) throws -> FileDescriptor {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard number >= 0 else { throw ProcessError(attempt: "make a socket for the metrics", code: errno) }
        let listener = FileDescriptor(owning: number)
        var yes: Int32 = 1
        setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard bind_to_loopback(number, port) == 0, listen(number, 16) == 0 else {
            throw RunFailure(
                .unavailable,
                "cannot serve metrics on 127.0.0.1:\(port): \(String(cString: strerror(errno))). Give --metrics-port "
                    + "another number, or 0 for any free port")
        }
        return listener
    }

    fileprivate func localPort() throws -> UInt16 {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(number, $0, &size) }
        }
        guard status == 0 else { throw ProcessError(attempt: "read the port of the metrics", code: errno) }
        return UInt16(bigEndian: address.sin_port)
    }
}
