// What a gatekeeper's thread does, and what it shares with the thread of the socket. Only `Gatekeeper` uses this.

internal import CZeroMQ
internal import Glibc
private import Synchronization

/// What both threads look at.
final class GatekeeperBook: Sendable {
    private struct Pages {
        var admitted: AdmittedKeys
        /// Names of keys that were admitted once and are not any more.
        var revoked: [PublicKey: String] = [:]
        var ledger = StrangerLedger()
        var reports: [StrangerReport] = []
        /// Descriptors of links whose end the owner wants to hear of; those of them that broke, until it has; and those of others
        /// that broke, mostly strangers', until another link has the number.
        var awaited: Set<Int32> = []
        var broken: Set<Int32> = []
        var gone: Set<Int32> = []
        var failure: ZeroMQError?
    }

    private let pages: Mutex<Pages>

    init(admitted: AdmittedKeys) { pages = Mutex(Pages(admitted: admitted)) }

    var admitted: AdmittedKeys { pages.withLock { $0.admitted } }
    var counts: [Stranger.Kind: UInt64] { pages.withLock { $0.ledger.counts } }
    var failure: ZeroMQError? { pages.withLock { $0.failure } }

    func admit(_ admitted: AdmittedKeys) {
        pages.withLock { pages in
            for (key, name) in pages.admitted.names where admitted.name(of: key) == nil { pages.revoked[key] = name }
            for key in admitted.names.keys { pages.revoked[key] = nil }
            pages.admitted = admitted
        }
    }

    func nameOfRevoked(_ key: PublicKey) -> String? { pages.withLock { $0.revoked[key] } }

    /// Whether the key may come in, and if not, why.
    func stranger(with key: PublicKey) -> Stranger? {
        pages.withLock { pages in
            if pages.admitted.name(of: key) != nil { return nil }
            return pages.revoked[key].map(Stranger.revokedKey) ?? .unknownKey(key)
        }
    }

    /// True if there is something to tell.
    func note(_ stranger: Stranger, from address: String?) -> Bool {
        pages.withLock { pages in
            guard let report = pages.ledger.note(stranger, from: address, now: MonotonicClock.now()) else {
                return false
            }
            pages.reports.append(report)
            return true
        }
    }

    func note(_ failure: ZeroMQError) { pages.withLock { $0.failure = failure } }

    func noteArrival(_ descriptor: Int32) { _ = pages.withLock { $0.gone.remove(descriptor) } }

    /// True if there is something to tell: for a stranger nobody is woken.
    func noteDeparture(_ descriptor: Int32) -> Bool {
        pages.withLock { pages in
            guard pages.awaited.contains(descriptor) else {
                pages.gone.insert(descriptor)
                return false
            }
            pages.broken.insert(descriptor)
            return true
        }
    }

    /// True if it has broken already.
    func awaitDeparture(of descriptor: Int32) -> Bool {
        pages.withLock { pages in
            pages.awaited.insert(descriptor)
            if pages.gone.remove(descriptor) != nil { pages.broken.insert(descriptor) }
            return pages.broken.contains(descriptor)
        }
    }

    func forgetDeparture(of descriptor: Int32) { _ = pages.withLock { $0.awaited.remove(descriptor) } }

    func takeDepartures() -> [Int32] {
        pages.withLock { pages in
            defer { pages.broken = [] }
            return pages.broken.sorted()
        }
    }

    func takeReports() -> [StrangerReport] {
        pages.withLock { pages in
            defer { pages.reports = [] }
            return pages.reports
        }
    }
}

/// The thread's sockets and its loop. Made on one thread and handed over to another before it is used (pthread_create is the
/// full fence that zmq_socket(3) asks for); only `book` is looked at by both.
final class GatekeeperRounds {
    private enum Source { case links, questions, signal }

    let book: GatekeeperBook
    var monitor: ConnectionMonitor?
    /// Where libzmq asks; nil without keys.
    private var questions: SocketHandle?
    /// A message on it means: leave. One sent on it means: there is something to tell.
    private let signal: SocketHandle
    private var visitors = Visitors()

    init(questions: SocketHandle?, signal: SocketHandle, book: GatekeeperBook) {
        self.questions = questions
        self.signal = signal
        self.book = book
    }

    /// Until it is told to leave.
    func run() {
        defer { leave() }
        do throws(ZeroMQError) {
            let poller = Poller<Source>()
            // A link's arrival before the question about its key: what its descriptor stood for before is over by then.
            if let monitor { poller.watch(monitor, as: .links) }
            if let questions { poller.watch(questions, as: .questions) }
            poller.watch(signal, as: .signal)
            while true {
                // Only where there is something: to look at a socket in vain is a system call, and strangers come by the hundred.
                for source in try poller.wait(until: nil) {
                    switch source {
                    case .links: try watchLinks()
                    case .questions: try answerQuestions()
                    case .signal: if try signal.receive() != nil { return }
                    }
                }
            }
        } catch {
            book.note(error)
            wakeOwner()
        }
    }

    /// Nobody answers any more: libzmq must find nobody, at once, rather than somebody who is silent.
    private func leave() {
        if let questions { zmq_unbind(questions.raw, SocketHandle.zapAddress) }
        questions = nil
    }

    private func answerQuestions() throws(ZeroMQError) {
        while let questions, let (_, message) = try questions.receive() {
            guard case .frames(let frames) = message, let request = ZAPRequest(frames) else {
                _ = try questions.send(ZAPReply.refused.frames(to: []))
                continue
            }
            _ = try questions.send(answer(to: request).frames(to: request.id))
        }
    }

    private func answer(to request: ZAPRequest) -> ZAPReply {
        guard request.domain == Gatekeeper.domain, let key = request.key else { return .refused }
        guard let stranger = book.stranger(with: key) else { return .welcome(key) }
        note(stranger, from: request.address.isEmpty ? nil : request.address)
        return .refused
    }

    private func watchLinks() throws(ZeroMQError) {
        while let event = try monitor?.receive() {
            switch visitors.see(event) {
            case .arrival(let descriptor)?: book.noteArrival(descriptor)
            case .stranger(let stranger, let address)?: note(stranger, from: address)
            case .departure(let descriptor)?: if book.noteDeparture(descriptor) { wakeOwner() }
            case nil: break
            }
        }
    }

    private func note(_ stranger: Stranger, from address: String?) {
        if book.note(stranger, from: address) { wakeOwner() }
    }

    /// If its queue is full, it will wake up anyway.
    private func wakeOwner() { _ = try? signal.send([Frame([])]) }
}

/// Puts together what libzmq tells about one connection in several events: where it came from, what went wrong, its end.
private struct Visitors {
    /// By descriptor, so never more than there are connections.
    private var addresses: [Int32: String] = [:]
    /// libzmq tells a failure and the end of its connection one after the other; only the end says which connection.
    private var failure: Stranger?

    enum Finding {
        case arrival(Int32)
        /// Who is gone.
        case stranger(Stranger, from: String?)
        /// A link that was up, or a stranger who was counted when libzmq asked about its key.
        case departure(Int32)
    }

    mutating func see(_ event: ConnectionEvent) -> Finding? {
        switch event.kind {
        case .accepted:
            guard let descriptor = event.descriptor else { return nil }
            addresses[descriptor] = peerAddress(of: descriptor)
            return .arrival(descriptor)
        case .handshakeFailed(let reason):
            failure = Stranger(reason)
            return nil
        case .disconnected:
            let address = event.descriptor.flatMap { addresses.removeValue(forKey: $0) }
            defer { failure = nil }
            if let failure { return .stranger(failure, from: address) }
            return event.descriptor.map { .departure($0) }
        case .acceptFailed(let code): return .stranger(.notAccepted(code), from: nil)
        case .connected, .ready, .retrying, .bindFailed, .stopped: return nil
        }
    }
}

extension Stranger {
    /// Nil for a refused key: that was counted when libzmq asked about it.
    fileprivate init?(_ failure: ConnectionEvent.HandshakeFailure) {
        switch failure {
        case .notAuthorized: return nil
        case .wrongKey: self = .wrongServerKey
        case .otherMechanism: self = .otherMechanism
        case .wrongProtocol(let code): self = .otherProtocol(code)
        case .brokenOff(let code): self = .brokeOff(code)
        }
    }
}

/// `host:port` of a connected TCP socket of this process. The descriptor is libzmq's: by now it may be closed (nil) or, rarely,
/// another connection's, so this is for people and decides nothing.
private func peerAddress(of descriptor: Int32) -> String? {
    var address = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutableBytes(of: &address) { bytes -> String? in
        guard let address = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
            getpeername(descriptor, address, &length) == 0
        else { return nil }
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        let status = getnameinfo(
            address, length, &host, socklen_t(host.count), &port, socklen_t(port.count), NI_NUMERICHOST | NI_NUMERICSERV
        )
        // A Unix socket has no address worth telling.
        guard status == 0, Int32(address.pointee.sa_family) != AF_UNIX else { return nil }
        let text = { (characters: [CChar]) in
            String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
        return "\(text(host)):\(text(port))"
    }
}
