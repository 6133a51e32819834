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
    @Test func aStrangerWhoseFirstWordIsFarewellIsForgotten() throws {
        let link = ForgetfulLink()
        let configuration = RelayConfiguration(
            build: .ofThisBuild(), incarnation: 1 << WorkerIdentity.registrationBits, processID: 1,
            processName: "relay",
            examplesPerMicrobatch: microbatchSize)
        let shell = RelayShell(configuration, link: link, notify: { _ in }, send: { _ in })
        let stranger = PeerID(rawValue: 5)
        let farewell = WorkerMessage.goodbye(run: RunID(high: 1, low: 1), reason: "bye")
        try shell.handle(.message(.frames([Frame(farewell.header)]), from: stranger))
        #expect(link.forgotten == [stranger])
    }
}
