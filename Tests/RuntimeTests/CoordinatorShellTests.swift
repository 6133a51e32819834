// The coordinator's shell with a worker in the same process: whole steps through both cores and the codec, without sockets.
import Coordination
import Datasets
import Messaging
import ModelCore
import Runtime
import TestKit
import Testing

/// Delivers everything twice, with noise in between, as no network should.
private final class StammeringLink: WorkerLink {
    private let link: InProcessLink
    private var waiting: [LinkEvent] = []

    init(_ link: InProcessLink) { self.link = link }

    func send(_ frames: [Frame], to peer: PeerID) throws -> SendResult { try link.send(frames, to: peer) }

    func next(until deadline: UInt64?) throws -> LinkEvent {
        if !waiting.isEmpty { return waiting.removeFirst() }
        let event = try link.next(until: deadline)
        if case .message = event {
            let noise = Message.frames([Frame([UInt8](repeating: 0x5A, count: 40))])
            waiting = [.message(noise, from: PeerID(rawValue: 99)), event]
        }
        return event
    }

    func keyName(of peer: PeerID) -> String? { link.keyName(of: peer) }

    func joined(processID: UInt32) { link.joined(processID: processID) }

    func awaitDepartures(until deadline: UInt64) { link.awaitDepartures(until: deadline) }

    func forget(_ peer: PeerID) { link.forget(peer) }
}

/// A connection that says what a test wants, and over which nothing can be sent once it is forgotten.
private final class ScriptedLink: WorkerLink {
    private var events: [LinkEvent]
    private var isForgotten = false
    private(set) var welcomes = 0

    init(_ messages: [[UInt8]]) {
        events = messages.map { .message(.frames([Frame($0)]), from: PeerID(rawValue: 1)) }
    }

    func send(_ frames: [Frame], to peer: PeerID) throws -> SendResult {
        guard !isForgotten else { return .unreachable }
        let message = try frames[0].withUnsafeBytes { header in
            try CoordinatorMessage.decode(
                header: header, payloadSizes: frames.dropFirst().map(\.count), limits: MessageLimits()
            ) { index in frames[index + 1].withUnsafeBytes { fingerprint(of: $0) } }
        }
        if case .welcome = message { welcomes += 1 }
        return .sent
    }

    func next(until deadline: UInt64?) throws -> LinkEvent { events.isEmpty ? .deadline : events.removeFirst() }
    func keyName(of peer: PeerID) -> String? { nil }
    func joined(processID: UInt32) {}
    func awaitDepartures(until deadline: UInt64) {}
    func forget(_ peer: PeerID) { isForgotten = true }
}

/// Counts how often it is looked at without waiting.
private final class CountingLink: WorkerLink {
    private let link: InProcessLink
    private(set) var glances = 0

    init(_ link: InProcessLink) { self.link = link }

    func next(until deadline: UInt64?) throws -> LinkEvent {
        if deadline == 0 { glances += 1 }
        return try link.next(until: deadline)
    }

    func send(_ frames: [Frame], to peer: PeerID) throws -> SendResult { try link.send(frames, to: peer) }
    func keyName(of peer: PeerID) -> String? { link.keyName(of: peer) }
    func joined(processID: UInt32) { link.joined(processID: processID) }
    func awaitDepartures(until deadline: UInt64) { link.awaitDepartures(until: deadline) }
    func forget(_ peer: PeerID) { link.forget(peer) }
}

@Suite struct CoordinatorShellTests {
    private let network = NetworkDescription(kind: .siameseContrastive)
    private let images: ImageSet

    init() {
        var random = SplitMix64(seed: 7)
        images = ImageSet(
            pixels: (0..<60 * imagePixels).map { _ in UInt8(random.below(256)) },
            labels: (0..<60).map { UInt8($0 % 10) })
    }

    /// The sums of steps of several sizes at the initial weights.
    private func sums(
        threads: Int, notices: inout [ClusterNotice], link: (InProcessLink) -> any WorkerLink = { $0 }
    ) throws -> [ShardFixture.Sum] {
        let weights = ParameterLayout(network).initialParameters(seed: 3)
        let sampler = try Sampler(kind: .pair, labels: images.labels, seed: 1).epoch(1)
        let build = BuildIdentity.ofThisBuild()
        let heard = Notices()
        let inProcess = try InProcessLink(build: build, threads: threads, signals: nil)
        let shell = CoordinatorShell(link: link(inProcess), network: network, build: build) { heard.all.append($0) }
        try shell.awaitWorkers(1, until: MonotonicClock.now() + 10_000_000_000)
        try #require(shell.workers.count == 1)
        let sizes = [60, 1, 17, 32]
        let sums = try sizes.enumerated().map { index, size in
            let input = StepInput(
                number: UInt64(index + 1), examples: sampler.batch(positions: 0..<size), images: images)
            try shell.begin(input, weights: Frame(borrowing: weights, bytes: weights.bytes))
            // The second and third are sent ahead, the fourth is not.
            if index < 2 {
                let next = StepInput(
                    number: UInt64(index + 2), examples: sampler.batch(positions: 0..<sizes[index + 1]), images: images)
                try shell.prepare(next)
            }
            let sum = try shell.gradientSum()
            defer { shell.recycle(sum.gradient) }
            return ShardFixture.Sum(sum)
        }
        try shell.stop(.finished)
        notices = heard.all
        return sums
    }

    private final class Notices { var all: [ClusterNotice] = [] }

    @Test func aStepGivesTheSumOfItsExamples() throws {
        var notices: [ClusterNotice] = []
        let sums = try sums(threads: 1, notices: &notices)
        #expect(sums.map(\.examples) == [60, 1, 17, 32])
        #expect(Set(sums.map(\.gradient)).count == 4)
        #expect(try sums == self.sums(threads: 3, notices: &notices), "threads")
        #expect(notices.allSatisfy { if case .joined = $0 { true } else { false } }, "\(notices)")
    }

    @Test func repeatedAndSenselessMessagesChangeNothing() throws {
        var notices: [ClusterNotice] = []
        let expected = try sums(threads: 1, notices: &notices)
        let sums = try sums(threads: 1, notices: &notices) { StammeringLink($0) }
        #expect(sums == expected)
        #expect(notices.contains { if case .refused = $0 { true } else { false } }, "\(notices)")
    }

    @Test func whoRegistersAnewOverTheSameConnectionIsWelcomed() throws {
        let build = BuildIdentity.ofThisBuild()
        let hellos = (1...3 as ClosedRange<UInt64>).map { incarnation in
            WorkerMessage.hello(
                Hello(build: build, incarnation: incarnation, threads: 1, processID: 1, processName: "again")
            )
            .header
        }
        let link = ScriptedLink(hellos)
        let heard = Notices()
        let shell = CoordinatorShell(link: link, network: network, build: build) { heard.all.append($0) }
        try shell.attend()
        #expect(link.welcomes == 3 && shell.workers.count == 1, "\(heard.all)")
    }

    /// A step may take minutes, and its examination as long: nobody is to take the coordinator for dead.
    @Test func theLinkIsServedWhileAStepIsExamined() throws {
        let wide = NetworkDescription(kind: .siameseContrastive, architecture: .wide)
        let build = BuildIdentity.ofThisBuild()
        let link = CountingLink(try InProcessLink(build: build, threads: 2, signals: nil))
        let shell = CoordinatorShell(link: link, network: wide, build: build) { _ in }
        try shell.awaitWorkers(1, until: MonotonicClock.now() + 10_000_000_000)
        let labels = (0..<1500).map { UInt8($0 % 10) }
        let many = ImageSet(pixels: [UInt8](repeating: 100, count: labels.count * imagePixels), labels: labels)
        let weights = ParameterLayout(wide).initialParameters(seed: 3)
        let examples = try Sampler(kind: .pair, labels: labels, seed: 1).epoch(1).batch(positions: 0..<labels.count)
        try shell.begin(
            StepInput(number: 1, examples: examples, images: many),
            weights: Frame(borrowing: weights, bytes: weights.bytes))
        shell.recycle(try shell.gradientSum().gradient)
        let before = link.glances
        let begin = MonotonicClock.now()
        try shell.examineNonFinite()
        let pauses = Int((MonotonicClock.now() - begin) / 200_000_000)
        #expect(link.glances - before >= max(1, pauses), "\(pauses)")
    }

    @Test func aWorkerOfAnotherBuildIsRefused() throws {
        let ours = BuildIdentity.ofThisBuild()
        let theirs = BuildIdentity(numericsVersion: ours.numericsVersion + 1, selfTest: ours.selfTest)
        let heard = Notices()
        let link = try InProcessLink(build: theirs, threads: 1, signals: nil)
        let shell = CoordinatorShell(link: link, network: network, build: ours) { heard.all.append($0) }
        #expect(throws: RunFailure.self) { try shell.awaitWorkers(1, until: MonotonicClock.now() + 50_000_000) }
        #expect(shell.workers.isEmpty)
        guard case .refused(let reason)? = heard.all.first else { throw Unrefused(notices: heard.all) }
        #expect(reason.contains("numerics version \(theirs.numericsVersion), coordinator \(ours.numericsVersion)"))
    }

    private struct Unrefused: Error { let notices: [ClusterNotice] }
}
