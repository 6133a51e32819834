// Contexts that end, addresses that cannot be had, and options that make no sense.

import Glibc
import Messaging
import Testing

@Suite struct SocketTests {
    @Test func anOldLibraryIsRefused() throws {
        let old = LibraryVersion(major: 4, minor: 3, patch: 2)
        #expect(throws: UnsupportedLibraryError(found: old)) { try old.requireSupported() }
        try LibraryVersion(major: 4, minor: 3, patch: 3).requireSupported()
        try LibraryVersion(major: 5, minor: 0, patch: 0).requireSupported()
        try LibraryVersion.loaded.requireSupported()
    }

    @Test(arguments: [Transport.ipc, .tcp])
    func aContextWithUnsentMessagesEndsWithinTheLinger(over transport: Transport) throws {
        let counter = ReleaseCounter()
        let start = MonotonicClock.now()
        try leaveUnsentMessages(over: transport, counter)
        // 50 ms of linger; the rest is for a busy machine.
        #expect(MonotonicClock.now() - start < 5_000_000_000)
        #expect(counter.value == 10)
    }

    private func leaveUnsentMessages(over transport: Transport, _ counter: ReleaseCounter) throws {
        var options = brisk
        options.linger = .milliseconds(50)
        let pair = try Pair(over: transport, options: options)
        let peer = try pair.introduce()
        for _ in 0..<10 {
            _ = try pair.router.send([Lender(count: 1 << 20, onRelease: { counter.add() }).frame], to: peer)
        }
    }

    @Test func whatWasQueuedIsSentDuringTheLinger() throws {
        let pair = try Pair(over: .tcp)
        try pair.greet([Frame([4])])
        pair.dealer = nil
        #expect(try pair.arrival().message.contents == [[4]])
    }

    @Test func aDealerWithoutALinkStalls() throws {
        let dealer = try DealerSocket(context: Context(), options: brisk)
        try dealer.setLinger(.zero)
        try dealer.connect(to: .ipc(path: "/tmp/\(uniqueName())"))
        #expect(try dealer.send([Frame([1])]) == .stalled)
        #expect(try dealer.receive() == nil)
    }

    @Test func theFileOfAUnixSocketGoesWithIt() throws {
        let path = "/tmp/\(uniqueName())"
        do {
            let router = try RouterSocket(context: Context())
            #expect(try router.bind(to: .ipc(path: path)) == .ipc(path: path))
            #expect(access(path, F_OK) == 0)
        }
        #expect(access(path, F_OK) != 0)
    }

    @Test func aPortInUseIsNamed() throws {
        let context = try Context()
        let first = try RouterSocket(context: context)
        let endpoint = try first.bind(to: .tcp(host: "127.0.0.1", port: 0))
        let second = try RouterSocket(context: context)
        let error = #expect(throws: BindError.self) { try second.bind(to: endpoint) }
        #expect(error?.cause == .addressInUse)
        #expect(error?.description.contains("\(endpoint)") == true)
    }

    @Test(arguments: [
        ("tcp://no-such-interface:0", BindError.Cause.noSuchInterface),
        ("tcp://203.0.113.7:0", .noSuchInterface),
        ("ipc:///no-such-folder/a.sock", .noSuchFolder),
        ("ipc:///proc/version/a.sock", .noSuchFolder),
    ])
    func whyAnAddressCannotBeHad(text: String, cause: BindError.Cause) throws {
        let router = try RouterSocket(context: Context())
        let error = #expect(throws: BindError.self) { try router.bind(to: Endpoint(parsing: text)) }
        #expect(error?.cause == cause, "\(String(describing: error))")
    }

    @Test func errorsSayWhatToDo() throws {
        let error = ZeroMQError(attempt: "create a socket", code: EMFILE)
        #expect(
            error.description == "cannot create a socket: Too many open files; raise the limit of open files "
                + "(ulimit -n) or start fewer workers")
    }
}
