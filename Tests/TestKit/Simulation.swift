// One coordinator core and many worker cores on a virtual clock, with everything that goes wrong decided by one seed
// (after FoundationDB's simulation and TigerBeetle's VOPR). No thread, no socket, no sleep: a run takes milliseconds.

package import Coordination

/// How a simulated run went.
package struct SimulationResult: Sendable {
    package let seed: UInt64
    /// Everything that should not have happened; empty in a good run.
    package let problems: [String]
    package let digest: UInt64
    package let virtualTime: Duration
    package let leases: Int
    /// Those of second rounds whose images their workers had from the first.
    package let reuses: Int
    /// Second rounds of a worker that had its weights from the first.
    package let spared: Int
    package let audits: Int
    package let ignored: Int
    package let deserted: Int
    package let quarantined: Int
    package let returns: Int
    package let interventions: Int
    /// Wrong sums that workers have computed.
    package let corruptions: Int
    /// How many workers have computed wrong sums, and sums that are not finite.
    package let liars: Int
    package let overflows: Int
    package let examinations: Int
    package let revocations: Int
    /// Restarts from the checkpoint before a damaged one.
    package let torn: Int
    /// What happened, if it was asked for.
    package let log: [String]
}

/// The world of one run.
package final class Simulation {
    enum Event {
        case toWorker(SimulatedWorker, PeerID, Frames)
        case toCoordinator(PeerID, Frames)
        case workerTimer(SimulatedWorker)
        case coordinatorTimer
        case computed(SimulatedWorker)
        case unreachable(PeerID)
        case reconnect(SimulatedWorker)
        case startCoordinator
        case strike(Fault.Kind)
        case rescue
    }

    static let build = BuildIdentity(numericsVersion: 1, selfTest: SelfTestDigest(words: [1, 2, 3, 4]))

    let scenario: Scenario
    let isLogging: Bool
    var random: SplitMix64
    var queue = EventQueue<Event>()
    var now = Instant(nanoseconds: 0)
    var coordinator: SimulatedCoordinator?
    /// What is on the disk: the newest, and the one before it.
    var checkpoints = [SimulatedCoordinator.State()]
    var revokedKeys: Set<String> = []
    /// When something was achieved last.
    var lastProgress = Instant(nanoseconds: 0)
    var workers: [SimulatedWorker] = []
    var connections: UInt64 = 0
    var failures: [UInt64: Int] = [:]
    /// When the latest message of a connection and direction arrives: a link keeps its order.
    var latestArrival: [Direction: Instant] = [:]
    var log: [String] = []
    var problems: [String] = []
    private var hasStalled = false
    /// Until when a direction loses everything, or holds it back.
    var partitions: [Direction: Instant] = [:]
    var clogs: [Direction: Instant] = [:]
    /// Some of what has been sent, for replays.
    var recorded: [(direction: Direction, frames: Frames)] = []
    var (leases, audits, ignored, deserted, starts) = (0, 0, 0, 0, UInt64(0))
    var (quarantined, returns, interventions, examinations, revocations, torn) = (0, 0, 0, 0, 0, 0)

    struct Direction: Hashable {
        let connection: PeerID
        let toWorker: Bool
    }

    package init(_ scenario: Scenario, logging: Bool = false) {
        self.scenario = scenario
        isLogging = logging
        random = SplitMix64(seed: ~scenario.seed)
    }

    /// Runs until the coordinator has finished and every worker has ended, or time is up.
    package func run() -> SimulationResult {
        queue.schedule(.startCoordinator, at: now)
        for _ in 0..<scenario.workers { join() }
        for fault in scenario.faults { queue.schedule(.strike(fault.kind), at: fault.time) }
        queue.schedule(.rescue, at: scenario.calm + .seconds(1))
        let end = Instant(nanoseconds: 0) + scenario.limit
        while let (time, event) = queue.next(waitingUntil: { pause(of: $0) }), time < end, !isOver {
            now = time
            handle(event)
            watchForStalls()
        }
        if let coordinator { retire(coordinator) }
        if !isOver { problems.append("not over after \(now.nanoseconds / 1_000_000) ms: \(lastStep) steps") }
        problems += workers.flatMap(\.problems)
        return SimulationResult(
            seed: scenario.seed, problems: problems, digest: coordinator?.state.digest.value ?? 0,
            virtualTime: now - Instant(nanoseconds: 0), leases: leases,
            reuses: workers.reduce(0) { $0 + $1.reuses }, spared: workers.reduce(0) { $0 + $1.spared }, audits: audits,
            ignored: ignored,
            deserted: deserted, quarantined: quarantined, returns: returns,
            interventions: interventions,
            corruptions: workers.reduce(0) { $0 + $1.corruptions },
            liars: workers.count { $0.corruptions > 0 }, overflows: workers.reduce(0) { $0 + $1.overflows },
            examinations: examinations, revocations: revocations, torn: torn, log: log)
    }

    var lastStep: UInt64 { coordinator?.state.lastStep ?? checkpoints.last?.lastStep ?? 0 }

    /// Once everything is healed, a run that waits for nothing must go on soon.
    private func watchForStalls() {
        guard coordinator?.isFinished != true, !hasStalled else { return }
        let since = max(lastProgress, scenario.healed)
        guard since < now, now - since > scenario.longestStall else { return }
        hasStalled = true
        problems.append("nothing achieved from \(since.nanoseconds / 1_000_000) to \(now.nanoseconds / 1_000_000) ms")
    }

    private var isOver: Bool { coordinator?.isFinished == true && !workers.contains(where: \.isAlive) }

    private func handle(_ event: Event) {
        switch event {
        case .toWorker(let worker, let connection, let frames):
            guard worker.isAlive, worker.connection == connection else { return }
            carryOut(worker.receive(frames, now: now), of: worker)
        case .toCoordinator(let peer, let frames):
            guard let coordinator, let sender = workers.first(where: { $0.connection == peer }) else { return }
            carryOut(
                coordinator.receive(frames, from: peer, credential: sender.credential, now: now), of: coordinator)
        case .workerTimer(let worker): onTimer(of: worker)
        case .coordinatorTimer: onCoordinatorTimer()
        case .computed(let worker): onComputed(worker)
        case .unreachable(let peer):
            guard let coordinator else { return }
            carryOut(coordinator.core.onUnreachable(peer, now: now), of: coordinator)
        case .reconnect(let worker): if worker.isAlive { reconnect(worker) }
        case .startCoordinator: startCoordinator()
        case .strike(let kind): strike(kind)
        case .rescue: rescue()
        }
    }

    /// Until when the process that the event happens to is stopped.
    private func pause(of event: Event) -> Instant? {
        switch event {
        case .toWorker(let worker, _, _), .workerTimer(let worker), .computed(let worker): worker.pausedUntil
        case .toCoordinator, .coordinatorTimer, .unreachable: coordinator?.pausedUntil
        case .reconnect, .startCoordinator, .strike, .rescue: nil
        }
    }

    func note(_ line: @autoclosure () -> String) {
        guard isLogging else { return }
        log.append("\(now.nanoseconds / 1_000) µs  " + line().replacing("Coordination.", with: ""))
    }
}
