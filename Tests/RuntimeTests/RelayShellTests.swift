// What a relay's shell does beside its core: whom it forgets. The core's scripts are in CoordinationTests.
import Coordination
import Messaging
import ModelCore
import Runtime
import Testing

/// A link without anybody, which remembers who was to be forgotten.
private final class ForgetfulLink: WorkerLink {
    private(set) var forgotten: [PeerID] = []

    func send(_ frames: [Frame], to peer: PeerID) throws -> SendResult { .sent }
    func next(until deadline: UInt64?) throws -> LinkEvent { .deadline }
    func keyName(of peer: PeerID) -> String? { nil }
    func awaitDepartures(until deadline: UInt64) {}
    func joined(processID: UInt32) {}
    func forget(_ peer: PeerID) { forgotten.append(peer) }
}

@Suite struct RelayShellTests {
    private func shell(over link: ForgetfulLink) -> RelayShell {
        let configuration = RelayConfiguration(
            build: .ofThisBuild(), incarnation: 1 << WorkerIdentity.registrationBits, processID: 1,
            processName: "relay",
            examplesPerMicrobatch: microbatchSize)
        return RelayShell(configuration, link: link, notify: { _ in }, send: { _ in })
    }

    @Test func whoRegistersAnewOverTheSameConnectionIsNotForgotten() throws {
        let link = ForgetfulLink()
        let shell = shell(over: link)
        for incarnation in 1...3 as ClosedRange<UInt64> {
            let hello = Hello(
                build: .ofThisBuild(), incarnation: incarnation, threads: 1, processID: 1, processName: "again")
            let message = Message.frames([Frame(WorkerMessage.hello(hello).header)])
            try shell.handle(.message(message, from: PeerID(rawValue: 5)))
        }
        #expect(link.forgotten.isEmpty)
    }

    @Test func aStrangerWhoseFirstWordIsFarewellIsForgotten() throws {
        let link = ForgetfulLink()
        let shell = shell(over: link)
        let stranger = PeerID(rawValue: 5)
        let farewell = WorkerMessage.goodbye(run: RunID(high: 1, low: 1), reason: "bye")
        try shell.handle(.message(.frames([Frame(farewell.header)]), from: stranger))
        #expect(link.forgotten == [stranger])
    }
}
