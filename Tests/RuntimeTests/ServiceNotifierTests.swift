// What a service manager hears, on a socket that a test holds in its place.
import Foundation
import Glibc
import Messaging
import Runtime
import TestKit
import Testing

private func listen(abstract: Bool = false) throws -> NotificationSocket {
    try NotificationSocket("\(abstract ? "@" : "/tmp/")siamese-manager-\(UUID().uuidString.prefix(8))")
}

@Suite struct ServiceNotifierTests {
    private func notifier(
        _ environment: [String: String], complaints: (String) -> Void = { Issue.record("complained: \($0)") }
    ) -> ServiceNotifier? {
        ServiceNotifier(environment: environment, complain: complaints)
    }

    @Test(arguments: [false, true])
    func theManagerIsToldAtAPathAndByAName(abstract: Bool) throws {
        let manager = try listen(abstract: abstract)
        let service = try #require(notifier(["NOTIFY_SOCKET": manager.name]))
        service.ready()
        service.tell("step 7\nREADY=0 of 9")
        service.beat()
        service.stopping("no more\u{7}")
        #expect(manager.next() == ["READY=1"])
        #expect(manager.next() == ["STATUS=step 7 READY=0 of 9"], "a line break in a status is another assignment")
        #expect(manager.next() == ["STOPPING=1", "STATUS=no more "])
        #expect(manager.next() == nil, "nobody asked for signs of life")
        #expect(service.nextBeat == nil)
    }

    @Test func signsOfLifeComeInTimeAndNoMoreOftenThanNeeded() throws {
        let manager = try listen()
        let service = try #require(
            notifier([
                "NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "40000", "WATCHDOG_PID": "\(getpid())",
            ]))
        service.beat()
        #expect(manager.next() == nil, "not before it is ready")
        service.ready()
        #expect(manager.next() == ["READY=1"])
        #expect(manager.next() == ["WATCHDOG=1"])
        service.beat()
        #expect(manager.next() == nil, "it is not due yet")
        let due = try #require(service.nextBeat)
        #expect(due <= MonotonicClock.now() + 20_000_000, "half the time that the manager waits")
        _ = try Poller<Int>().wait(until: due)
        service.beat()
        #expect(manager.next() == ["WATCHDOG=1"])
        service.stopping("")
        #expect(service.nextBeat == nil)
    }

    @Test(arguments: [
        ["WATCHDOG_PID": "1", "WATCHDOG_USEC": "1000"], ["WATCHDOG_PID": "", "WATCHDOG_USEC": "1000"],
        ["WATCHDOG_USEC": "0"], ["WATCHDOG_USEC": "-5"], ["WATCHDOG_USEC": "soon"], [:],
    ])
    func aWatchdogOfSomebodyElseIsNotFed(watchdog: [String: String]) throws {
        let manager = try listen()
        let service = try #require(notifier(watchdog.merging(["NOTIFY_SOCKET": manager.name]) { $1 }))
        service.ready()
        service.beat()
        #expect(manager.next() == ["READY=1"])
        #expect(manager.next() == nil)
    }

    @Test func anEndlessWatchdogOverflowsNothing() throws {
        let manager = try listen()
        let service = try #require(notifier(["NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "\(UInt64.max)"]))
        service.ready()
        #expect(try #require(service.nextBeat) > MonotonicClock.now())
    }

    @Test(arguments: [[:], ["NOTIFY_SOCKET": ""]])
    func withoutAManagerThereIsNoNotifier(environment: [String: String]) {
        #expect(notifier(environment) == nil)
    }

    @Test(arguments: ["relative/path", "@", "/" + String(repeating: "x", count: 107), "vsock:2:1234"])
    func anAddressThatIsNoneIsComplainedOf(name: String) {
        var complaints: [String] = []
        #expect(notifier(["NOTIFY_SOCKET": name], complaints: { complaints.append($0) }) == nil)
        #expect(complaints.count == 1 && complaints.first?.contains("NOTIFY_SOCKET: '\(name)'") == true)
    }

    @Test func aManagerThatHasGoneOrReadsNothingStopsNobody() throws {
        let gone = try #require(notifier(["NOTIFY_SOCKET": "/tmp/deploy-nobody-\(UUID().uuidString)"]))
        gone.ready()
        gone.tell("still here")
        let deaf = try listen()
        let service = try #require(notifier(["NOTIFY_SOCKET": deaf.name]))
        // More than the kernel queues (net.unix.max_dgram_qlen): a blocking call would never return.
        for number in 0..<5000 { service.tell("\(number)") }
        #expect(deaf.next() == ["STATUS=0"])
    }
}
