// A worker that dies between the two rounds of a step, through both shells: what it would have done is done by the other one, which has
// not seen those images before.
import Coordination
import Messaging
import ModelCore
import Runtime
import Testing

/// Two workers in this process, of which the second one is gone when it is sent what a second round is computed at.
private final class DyingLink: WorkerLink {
    private let links: [InProcessLink]
    private static let only = PeerID(rawValue: 1)
    private(set) var isDead = false
    /// Shards sent to the one that lives whose images it has, and whose images came along.
    private(set) var (reused, sent) = (0, 0)
    private var turn = 0

    init(_ build: BuildIdentity) throws {
        links = try (0..<2).map { _ in try InProcessLink(build: build, threads: 1, signals: nil) }
    }

    func send(_ frames: [Frame], to peer: PeerID) throws -> SendResult {
        let kind = frames[0].withUnsafeBytes { $0[6] }
        let isSecond = peer.rawValue == 2
        if isSecond, kind == 0x88 { isDead = true }
        if isSecond, isDead { return .unreachable }
        if !isSecond, kind == 0x83 { if frames[1].count == 0 { reused += 1 } else { sent += 1 } }
        // Every link calls its worker the same.
        return try links[isSecond ? 1 : 0].send(frames, to: Self.only)
    }

    func next(until deadline: UInt64?) throws -> LinkEvent {
        for _ in links {
            turn = 1 - turn
            if turn == 1, isDead { continue }
            if case .message(let message, _) = try links[turn].next(until: 0) {
                return .message(message, from: PeerID(rawValue: UInt64(turn + 1)))
            }
        }
        return .deadline
    }

    /// Without keys they would be one process on a new connection.
    func keyName(of peer: PeerID) -> String? { "\(peer.rawValue)" }
    func awaitDepartures(until deadline: UInt64) {}
    func joined(processID: UInt32) {}
    func forget(_ peer: PeerID) {}
}

@Suite struct TwoRoundShellTests {
    @Test(arguments: NetworkKind.allCases.filter(\.isInBatch))
    func aDeathBetweenTheRoundsDoesNotMatter(kind: NetworkKind) throws {
        let (fixture, build) = (StepFixture(), BuildIdentity.ofThisBuild())
        let network = NetworkDescription(
            kind: kind, inBatch: InBatchOptions(distance: .cosine), noise: NoisePlan(seed: 1, batchSize: 48))
        let limit = MonotonicClock.now() + 10_000_000_000
        let quiet = CoordinatorShell(
            link: try InProcessLink(build: build, threads: 2, signals: nil), network: network, build: build
        ) { _ in }
        try quiet.awaitWorkers(1, until: limit)

        let link = try DyingLink(build)
        var lost = 0
        let shell = CoordinatorShell(link: link, network: network, build: build) { notice in
            if case .lost = notice { lost += 1 }
        }
        try shell.awaitWorkers(2, until: limit)
        #expect(try fixture.sum(1, network, of: shell) == fixture.sum(1, network, of: quiet))
        #expect(link.isDead && lost == 1)
        // Its own of both rounds, and of the second that of the other.
        #expect(link.reused == 1 && link.sent == 2)
    }
}
