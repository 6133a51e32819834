// Waits that end neither early nor never.

import Glibc
import Messaging
import Testing

@Suite struct PollerTests {
    private enum Source: Hashable {
        case router, dealer, pipe
    }

    @Test(arguments: [UInt64(0), 1, 999_999, 1_000_001, 20_000_000])
    func neverReturnsBeforeTheDeadline(nanoseconds: UInt64) throws {
        let poller = Poller<Source>()
        let deadline = MonotonicClock.now() + nanoseconds
        #expect(try poller.wait(until: deadline).isEmpty)
        let end = MonotonicClock.now()
        #expect(end >= deadline)
        #expect(end - deadline < patience)
    }

    @Test func aDeadlineInThePastOnlyLooks() throws {
        let poller = Poller<Source>()
        #expect(try poller.wait(until: 0).isEmpty)
        let pipe = try Pipe()
        poller.watch(descriptor: pipe.output, as: .pipe)
        pipe.write(1)
        #expect(try poller.wait(until: 0) == [.pipe])
    }

    @Test func aDescriptorWakesAndIsForgotten() throws {
        let poller = Poller<Source>()
        let pipe = try Pipe()
        poller.watch(descriptor: pipe.output, as: .pipe)
        #expect(try poller.wait(until: 0).isEmpty)
        pipe.write(1)
        #expect(try poller.wait(until: nil) == [.pipe])
        poller.forget(.pipe)
        poller.forget(.pipe)
        #expect(try poller.wait(until: 0).isEmpty)
    }

    @Test func theEndOfAPipeWakes() throws {
        let poller = Poller<Source>()
        let pipe = try Pipe()
        poller.watch(descriptor: pipe.output, as: .pipe)
        pipe.closeInput()
        #expect(try poller.wait(until: MonotonicClock.now() + patience) == [.pipe])
    }

    @Test func socketsAndDescriptorsTogether() throws {
        let pair = try Pair(over: .ipc)
        let dealer = try #require(pair.dealer)
        let pipe = try Pipe()
        let poller = Poller<Source>()
        poller.watch(pair.router, as: .router)
        poller.watch(dealer, as: .dealer)
        poller.watch(descriptor: pipe.output, as: .pipe)

        try pair.greet()
        #expect(try poller.wait(until: MonotonicClock.now() + patience) == [.router])
        let peer = try pair.arrival().peer
        #expect(try poller.wait(until: 0).isEmpty)
        #expect(try pair.router.send([Frame([1])], to: peer) == .sent)
        #expect(try poller.wait(until: MonotonicClock.now() + patience) == [.dealer])
        pipe.write(1)
        #expect(try poller.wait(until: MonotonicClock.now() + patience) == [.dealer, .pipe])
    }

    /// Signals interrupt zmq_poll; the wait goes on to its deadline.
    @Test func aSignalDoesNotEndTheWait() throws {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in }
        var before = sigaction()
        sigaction(SIGURG, &action, &before)
        defer { sigaction(SIGURG, &before, nil) }
        let thread = pthread_self()
        let stop = Pipe.Flag()
        let pesterer = Thread {
            while !stop.isRaised {
                pthread_kill(thread, SIGURG)
                sched_yield()
            }
        }
        let deadline = MonotonicClock.now() + 50_000_000
        let ready = try Poller<Source>().wait(until: deadline)
        stop.raise()
        pesterer.join()
        #expect(ready.isEmpty && MonotonicClock.now() >= deadline)
    }
}
