// Who comes in at a guarded socket, who does not, and what is said of them.

import CZeroMQ
import Messaging
import Testing

@Suite struct GatekeeperTests {
    @Test(arguments: [Transport.tcp, .tcp6, .ipc])
    func aMemberIsServedUnderItsKey(over transport: Transport) throws {
        let pair = try GuardedPair(over: transport)
        try pair.expectService(for: pair.memberKeys)
        #expect(pair.gatekeeper.counts.isEmpty)
    }

    @Test func anUnknownKeyIsRefusedAndTold() throws {
        let pair = try GuardedPair()
        let stranger = try KeyPair.generate()
        #expect(try pair.failure(of: stranger) == .notAuthorized(400))
        let report = try #require(pair.reports(of: .unknownKey).first)
        #expect(report.stranger == .unknownKey(stranger.publicKey))
        #expect(report.address == "127.0.0.1")
        #expect(try pair.router.receive() == nil)
        try pair.expectService(for: pair.memberKeys)
    }

    @Test func aPlainClientIsRefused() throws {
        let pair = try GuardedPair()
        // Both sides send their greeting and hang up at what they read in the other's: who is faster knows why, the slower one
        // sees a broken connection.
        _ = try pair.failure(of: nil)
        _ = try pair.reports(of: .otherMechanism, .brokeOff)
        #expect(peekMechanism(at: pair.endpoint) == .curve)
        try pair.expectService(for: pair.memberKeys)
    }

    @Test func aRawPeerWithoutSecurityGetsNothingThrough() throws {
        let pair = try GuardedPair()
        let raw = try RawPeer(connectingTo: pair.endpoint)
        try raw.announce("NULL")
        try raw.waitForClose()
        _ = try pair.reports(of: .otherMechanism)
        #expect(try pair.router.receive() == nil)
    }

    @Test func aPasswordIsNoKey() throws {
        let pair = try GuardedPair()
        let raw = try RawPeer(connectingTo: pair.endpoint)
        try raw.announce("PLAIN")
        try raw.waitForClose()
        _ = try pair.reports(of: .otherMechanism)
    }

    @Test func aWrongServerKeyIsRefusedOnBothSides() throws {
        let pair = try GuardedPair()
        let other = try KeyPair.generate()
        guard case .brokenOff = try pair.failure(of: pair.memberKeys, expecting: other.publicKey) else {
            Issue.record("libzmq tells more than it did: the worker's way to find out can be simpler")
            return
        }
        #expect(try pair.reports(of: .wrongServerKey).first?.stranger == .wrongServerKey)
        try pair.expectService(for: pair.memberKeys)
    }

    @Test func whereThereAreNoKeysAPeerWithKeysIsRefused() throws {
        let pair = try GuardedPair(keyed: false)
        _ = try pair.failure(of: pair.memberKeys)
        _ = try pair.reports(of: .otherMechanism, .brokeOff)
        #expect(peekMechanism(at: pair.endpoint) == .null)
    }

    @Test(arguments: [Transport.tcp, .tcp6, .ipc])
    func theMechanismCanBeAskedFor(over transport: Transport) throws {
        for (keyed, expected) in [(true, SecurityMechanism.curve), (false, .null)] {
            let pair = try GuardedPair(over: transport, keyed: keyed)
            #expect(peekMechanism(at: pair.endpoint) == expected)
            try pair.expectService(for: keyed ? pair.memberKeys : nil)
        }
    }

    @Test func whoDoesNotGreetHasNoMechanism() throws {
        let abandoned = try GuardedPair().endpoint
        #expect(peekMechanism(at: abandoned) == nil)
        #expect(peekMechanism(at: .ipc(path: "@\(uniqueName())")) == nil)
        #expect(peekMechanism(at: .tcp(host: "no such host", port: 1)) == nil)
        let silent = try SilentListener()
        #expect(peekMechanism(at: silent.endpoint, milliseconds: 20) == nil)
    }

    @Test func anotherProtocolIsTold() throws {
        let pair = try GuardedPair()
        let raw = try RawPeer(connectingTo: pair.endpoint)
        try raw.greet(as: "CURVE")
        // A command where CURVE's HELLO should be.
        try raw.write([0x04, 6, 5] + Array("OTHER".utf8))
        try raw.waitForClose()
        _ = try pair.reports(of: .otherProtocol)
    }

    @Test func whoDoesNotFinishItsHandshakeIsSentAway() throws {
        var options = brisk
        options.handshakeTimeout = .milliseconds(50)
        let pair = try GuardedPair(options: options)
        let raw = try RawPeer(connectingTo: pair.endpoint)
        try raw.greet(as: "CURVE")
        try raw.waitForClose()
        let report = try #require(pair.reports(of: .brokeOff).first)
        // It stayed long enough for its address to be seen.
        #expect(report.address?.hasPrefix("127.0.0.1:") == true)
    }

    @Test func aRevokedKeyDoesNotComeInAgain() throws {
        let pair = try GuardedPair()
        try pair.expectService(for: pair.memberKeys)
        let other = try KeyPair.generate()
        pair.gatekeeper.admit(AdmittedKeys([other.publicKey: "other"]))
        #expect(try pair.failure(of: pair.memberKeys) == .notAuthorized(400))
        #expect(try pair.reports(of: .revokedKey).first?.stranger == .revokedKey("member"))
        try pair.expectService(for: other)
        pair.gatekeeper.admit(AdmittedKeys([pair.memberKeys.publicKey: "member"]))
        try pair.expectService(for: pair.memberKeys)
    }

    @Test func whoIsInHearsNothingOfARevocation() throws {
        let pair = try GuardedPair()
        let dealer = try pair.connected(pair.memberKeys)
        try eventually("a link") { try dealer.send([Frame([1])]) == .sent ? () : nil }
        _ = try eventually("a message") { try pair.router.receive() }
        pair.gatekeeper.admit(AdmittedKeys())
        // libzmq asks once per connection: hence the eviction in RouterLink.
        #expect(try dealer.send([Frame([2])]) == .sent)
        let (_, message) = try eventually("another message") { try pair.router.receive() }
        guard case .frames(let frames) = message else { return }
        #expect(frames[0].senderKey == pair.memberKeys.publicKey)
    }

    @Test func onlyAwaitedLinksAreToldWhenTheyBreak() throws {
        let pair = try GuardedPair()
        for _ in 0..<5 { #expect(try pair.failure(of: .generate()) == .notAuthorized(400)) }
        _ = try pair.reports(of: .unknownKey)
        // Numbers are given out anew: the links that follow most likely have those of the strangers.
        let (waiting, first) = try pair.spoken()
        #expect(!pair.gatekeeper.awaitDeparture(of: first))
        try pair.expectService(for: pair.memberKeys)
        #expect(pair.gatekeeper.takeDepartures().isEmpty)
        withExtendedLifetime(waiting) {}
    }

    @Test(arguments: [true, false])
    func anAwaitedLinkThatBreaksIsTold(keyed: Bool) throws {
        let pair = try GuardedPair(keyed: keyed)
        var (dealer, descriptor): (DealerSocket?, Int32) = try pair.spoken()
        #expect(!pair.gatekeeper.awaitDeparture(of: descriptor))
        withExtendedLifetime(dealer) {}
        dealer = nil
        let poller = Poller<Int>()
        poller.watch(pair.gatekeeper, as: 0)
        let told = try eventually("a departure") {
            _ = try poller.wait(until: MonotonicClock.now() + 1_000_000)
            _ = try pair.gatekeeper.takeReports()
            let told = pair.gatekeeper.takeDepartures()
            return told.isEmpty ? nil : told
        }
        #expect(told == [descriptor])
    }

    @Test func whoIsAwaitedTooLateIsToldAtOnce() throws {
        let pair = try GuardedPair()
        var (dealer, descriptor): (DealerSocket?, Int32) = try pair.spoken()
        withExtendedLifetime(dealer) {}
        dealer = nil
        try eventually("a departure") { pair.gatekeeper.awaitDeparture(of: descriptor) ? () : nil }
        #expect(pair.gatekeeper.takeDepartures() == [descriptor])
        pair.gatekeeper.forgetDeparture(of: descriptor)
        #expect(pair.gatekeeper.takeDepartures().isEmpty)
    }

    @Test func withoutItsThreadNobodyComesIn() throws {
        let pair = try GuardedPair()
        try pair.expectService(for: pair.memberKeys)
        pair.gatekeeper.stop()
        guard case .brokenOff = try pair.failure(of: pair.memberKeys) else {
            Issue.record("another failure than a connection broken off")
            return
        }
        #expect(try pair.router.receive() == nil)
    }

    @Test func aContextHasOneGatekeeperWithKeys() throws {
        let pair = try GuardedPair()
        let error = #expect(throws: ZeroMQError.self) {
            try Gatekeeper(context: pair.context, keys: .generate())
        }
        #expect(error?.code == EADDRINUSE)
    }

    @Test func manyStrangersAreCountedAndFewAreTold() throws {
        let pair = try GuardedPair()
        for _ in 0..<40 { #expect(try pair.failure(of: .generate()) == .notAuthorized(400)) }
        #expect(pair.gatekeeper.counts == [.unknownKey: 40])
        #expect(try pair.gatekeeper.takeReports().count <= 3)
        try pair.expectService(for: pair.memberKeys)
    }
}

@Suite struct SelfTestTests {
    @Test func thisLibraryKeepsStrangersOut() throws {
        let context = try Context()
        try Gatekeeper.selfTest(context: context, keys: .generate(), options: SocketOptions())
        // And leaves the context free for the real gatekeeper.
        _ = try Gatekeeper(context: context, keys: .generate())
    }

    @Test func aServerThatLetsStrangersInIsFoundOut() throws {
        // CURVE without ZAP: encryption, and no authentication.
        #expect(try errorOfSelfTest { _ in } == .strangerWasLetIn)
    }

    @Test func aServerThatDoesNotAnswerProvesNothing() throws {
        let pair = try GuardedPair()
        pair.gatekeeper.stop()
        let error = #expect(throws: SelfTestError.self) {
            try requireRefusalOfStrangers(
                at: pair.endpoint, server: pair.serverKeys.publicKey, context: Context())
        }
        #expect(error != .strangerWasLetIn)
        #expect(throws: SelfTestError.self) {
            try requireRefusalOfStrangers(
                at: .ipc(path: "@\(uniqueName())"), server: pair.serverKeys.publicKey, context: Context(),
                limit: 50_000_000)
        }
    }

    /// Why option 93 is set: the domain alone does not keep anybody out when no handler is there.
    @Test func theDomainHasToBeEnforced() throws {
        for (isEnforced, comesIn) in [(false, true), (true, false)] {
            let error = try errorOfSelfTest { socket in
                try #require(zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, "siamese", 7) == 0)
                var one: Int32 = 1
                if isEnforced { try #require(zmq_setsockopt(socket, 93, &one, 4) == 0) }
            }
            #expect((error == .strangerWasLetIn) == comesIn)
        }
    }

    /// What the self-test says of a CURVE server that has no gatekeeper.
    private func errorOfSelfTest(ofServer configure: (UnsafeMutableRawPointer) throws -> Void) throws -> SelfTestError?
    {
        let server = try KeyPair.generate()
        let raw = try #require(zmq_ctx_new())
        let socket = try #require(zmq_socket(raw, ZMQ_ROUTER))
        defer {
            zmq_close(socket)
            zmq_ctx_term(raw)
        }
        var one: Int32 = 1
        let address = "ipc://@\(uniqueName())"
        try #require(zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &one, 4) == 0)
        try #require(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, server.secretKey.z85, 40) == 0)
        try configure(socket)
        try #require(zmq_bind(socket, address) == 0)
        return #expect(throws: SelfTestError.self) {
            try requireRefusalOfStrangers(
                at: Endpoint(parsing: address), server: server.publicKey, context: Context())
        }
    }
}
