// The hints that libzmq gives about links.

import Messaging
import Testing

@Suite struct ConnectionMonitorTests {
    /// Waits until an event of this kind has come.
    private func awaitEvent(_ kind: ConnectionEvent.Kind, from monitor: ConnectionMonitor) throws {
        try eventually("\(kind)") {
            while let event = try monitor.receive() { if event.kind == kind { return () } }
            return nil
        }
    }

    @Test func bothSidesSeeALinkComeAndGo() throws {
        let context = try Context()
        let router = try RouterSocket(context: context)
        let routerMonitor = try ConnectionMonitor(router)
        let endpoint = try router.bind(to: .tcp(host: "127.0.0.1", port: 0))
        var dealer: DealerSocket? = try DealerSocket(context: context, options: brisk)
        var dealerMonitor: ConnectionMonitor? = try ConnectionMonitor(#require(dealer))
        try #require(dealer).connect(to: endpoint)
        try awaitEvent(.connected, from: #require(dealerMonitor))
        try awaitEvent(.ready, from: #require(dealerMonitor))
        try awaitEvent(.accepted, from: routerMonitor)
        try awaitEvent(.ready, from: routerMonitor)
        #expect(try #require(dealer).send([Frame([1])]) == .sent)
        dealerMonitor = nil
        dealer = nil
        try awaitEvent(.disconnected, from: routerMonitor)
    }

    @Test func aDealerLearnsThatNobodyListens() throws {
        let dealer = try DealerSocket(context: Context(), options: brisk)
        let monitor = try ConnectionMonitor(dealer)
        try dealer.connect(to: .ipc(path: "/tmp/\(uniqueName())"))
        try eventually("a new attempt") {
            while let event = try monitor.receive() {
                #expect(event.kind != .connected)
                if case .retrying = event.kind { return () }
            }
            return nil
        }
    }

    @Test func aPeerThatSpeaksSomethingElseIsReported() throws {
        let context = try Context()
        let router = try RouterSocket(context: context)
        let monitor = try ConnectionMonitor(router)
        let endpoint = try router.bind(to: .tcp(host: "127.0.0.1", port: 0))
        let raw = try RawPeer(connectingTo: endpoint)
        try raw.write([UInt8](repeating: 0xFF, count: 64))
        try eventually("a failed handshake") {
            while let event = try monitor.receive() {
                if case .handshakeFailed = event.kind { return () }
                if case .disconnected = event.kind { return () }
            }
            return nil
        }
    }

    @Test func aMonitorCanBePolled() throws {
        let pair = try Pair()
        let monitor = try ConnectionMonitor(pair.router)
        let poller = Poller<Int>()
        poller.watch(monitor, as: 1)
        _ = try pair.introduce()
        pair.dealer = nil
        #expect(try poller.wait(until: MonotonicClock.now() + patience) == [1])
    }
}
