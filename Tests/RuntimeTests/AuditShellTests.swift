// Two workers in this process, one of which computes on a wrong pixel: found, sent away, and undone, through both shells, the codec and
// the kernels.
import Coordination
import Datasets
import Messaging
import ModelCore
import Runtime
import TestKit
import Testing

/// Two workers, by the names `good` and `bad`; the bad one is given a wrong pixel, with a fingerprint to match: its sums are wrong and
/// well-formed.
private final class LyingLink: WorkerLink {
    private let good: InProcessLink
    private let bad: InProcessLink
    private static let ids = (good: PeerID(rawValue: 1), bad: PeerID(rawValue: 2))
    private var isBadHere = true
    private var turn = false
    private(set) var lies = 0

    init(_ build: BuildIdentity) throws {
        good = try InProcessLink(build: build, threads: 1, signals: nil)
        bad = try InProcessLink(build: build, threads: 1, signals: nil)
    }

    func send(_ frames: [Frame], to peer: PeerID) throws -> SendResult {
        guard peer == Self.ids.bad else { return try good.send(frames, to: Self.ids.good) }
        guard isBadHere else { return .unreachable }
        // Every link calls its worker the same.
        return try bad.send(falsified(frames), to: Self.ids.good)
    }

    private func falsified(_ frames: [Frame]) throws -> [Frame] {
        let message = try frames[0].withUnsafeBytes { header in
            try CoordinatorMessage.decode(
                header: header, payloadSizes: frames.dropFirst().map(\.count),
                limits: MessageLimits(parameterCount: frames.count > 1 ? frames[1].count / 4 : nil)
            ) { index in frames[index + 1].withUnsafeBytes { fingerprint(of: $0) } }
        }
        // Without images it computes from those that it has, just as wrong.
        guard case .shard(let lease, let content) = message, frames[1].count > 300 else { return frames }
        var pixels = frames[1].withUnsafeBytes { Array($0) }
        pixels[300] ^= 0x40
        lies += 1
        let wrong = ShardContent(pixels: fingerprint(of: pixels), targets: content.targets)
        return [Frame(CoordinatorMessage.shard(lease, wrong).header), Frame(pixels), frames[2]]
    }

    func next(until deadline: UInt64?) throws -> LinkEvent {
        for _ in 0..<2 {
            turn.toggle()
            if turn, isBadHere, case .message(let message, _) = try bad.next(until: 0) {
                return .message(message, from: Self.ids.bad)
            }
            if !turn, case .message(let message, _) = try good.next(until: 0) {
                return .message(message, from: Self.ids.good)
            }
        }
        return .deadline
    }

    func keyName(of peer: PeerID) -> String? { peer == Self.ids.bad ? "bad" : "good" }
    func awaitDepartures(until deadline: UInt64) {}
    func joined(processID: UInt32) {}
    func forget(_ peer: PeerID) { if peer == Self.ids.bad { isBadHere = false } }
}

@Suite struct AuditShellTests {
    private let fixture = StepFixture()

    @Test(arguments: [NetworkKind.siameseContrastive, .supervisedContrastive])
    func aWorkerThatComputesWronglyIsFoundAndSentAwayAndTheSumIsRight(kind: NetworkKind) throws {
        let network = NetworkDescription(kind: kind, inBatch: InBatchOptions(distance: .cosine))
        let build = BuildIdentity.ofThisBuild()
        let honest = CoordinatorShell(
            link: try InProcessLink(build: build, threads: 1, signals: nil), network: network, build: build
        ) { _ in }
        try honest.awaitWorkers(1, until: MonotonicClock.now() + 10_000_000_000)
        let expected = try fixture.sum(1, network, of: honest)

        var quarantined: [String] = []
        let link = try LyingLink(build)
        let shell = CoordinatorShell(
            link: link, network: network, build: build, audit: AuditPlan(fraction: 1, seed: 0)
        ) { notice in
            if case .quarantined(let worker, _) = notice { quarantined.append(worker) }
        }
        try shell.awaitWorkers(2, until: MonotonicClock.now() + 10_000_000_000)
        var result: ShardFixture.Sum?
        // What was used of it is undone as often as it takes.
        for _ in 0..<3 where result == nil {
            do { result = try fixture.sum(1, network, of: shell) } catch let request as GoBack {
                #expect(request.step == 1)
            }
        }
        #expect(result == expected)
        #expect(link.lies > 0 && quarantined.count == 1)
        #expect(quarantined.first?.contains("key bad") == true)
        #expect(shell.workers.count == 1 && shell.ledger.quarantined.count == 1)
    }
}
