// What goes wrong in one simulated run: drawn from a seed, and nothing but the seed.

package import Coordination

/// One fault and when it strikes.
package struct Fault: Sendable {
    package enum Kind: Sendable {
        /// kill -9 of a live worker.
        case kill
        case killAll
        /// SIGSTOP and, after the time, SIGCONT of a live worker.
        case pause(Duration)
        /// The connection of a live worker breaks, what is under way is lost, and it comes back under another id.
        case breakLink(Duration)
        /// SIGTERM: the worker says goodbye.
        case leave
        case join
        /// Many workers at once, as after a partition of a whole cluster.
        case joinMany(Int)
        /// What one worker says, or what it is told, gets lost for a while; the other direction works.
        case partition(toWorker: Bool, Duration)
        /// The same for all workers at once.
        case partitionAll(toWorker: Bool, Duration)
        /// Nothing arrives over one worker's link for a while, and then all of it.
        case clog(Duration)
        /// From now on sums of one worker come out wrong with this chance. No two workers ever err alike.
        case corrupt(chance: Double)
        /// … or not finite, which nobody needs an audit to see.
        case overflow(chance: Double)
        /// The key of one worker is revoked, for all who have it.
        case revoke
        /// Somebody sends an old message of one worker, or to it, again.
        case replay(Int)
        /// About half of the workers compute so much more slowly from now on (a neighbour's job has begun).
        case slowDown(factor: UInt64)
        case pauseCoordinator(Duration)
        /// kill -9 of the coordinator, which resumes from its last checkpoint in the next epoch; or from the one before it, if the last
        /// one is damaged.
        case restartCoordinator(Duration, isTorn: Bool)

        /// How long it lasts.
        var duration: Duration {
            switch self {
            case .pause(let time), .breakLink(let time), .partition(_, let time), .partitionAll(_, let time),
                .clog(let time), .pauseCoordinator(let time), .restartCoordinator(let time, _):
                time
            case .replay: .seconds(2)
            case .kill, .killAll, .leave, .join, .joinMany, .corrupt, .overflow, .revoke, .slowDown: .zero
            }
        }
    }

    package let time: Instant
    package let kind: Kind
}

/// Whose keys the workers have.
package enum Credentials: Sendable {
    case none
    case own
    /// So many keys for all of them.
    case shared(Int)
}

/// A job and its misfortunes.
package struct Scenario: Sendable {
    package let seed: UInt64
    package var steps = 20
    package var extent = StepExtent(examples: 12, examplesPerMicrobatch: 2)
    /// A step has two rounds, a loss of the whole batch between them.
    package var isTwoRounds = false
    package var workers = 1
    package var faults: [Fault] = []
    /// Chance that a message vanishes, is delivered twice; above zero, messages may also overtake each other.
    package var lossRate = 0.0
    package var duplicationRate = 0.0
    /// Chance that a bit of a message is flipped on its way.
    package var damageRate = 0.0
    /// Fraction of the shards that are audited.
    package var audit = 0.0
    package var credentials = Credentials.none
    /// Steps between two checkpoints.
    package var checkpointInterval: UInt64 = 1
    /// Chance that a computation reports failure (at most twice a step, below the limit at which a step fails).
    package var failureRate = 0.0
    package var longestDelay = Duration.milliseconds(2)
    package var microbatchTime = Duration.milliseconds(5)
    /// A send to a vanished connection fails at once (a closed connection) or goes nowhere (a pulled plug).
    package var noticesBrokenLinks = true

    /// One worker, no fault.
    package init(seed: UInt64) { self.seed = seed }

    /// When the last fault has struck; from here on nothing goes wrong any more.
    var calm: Instant { faults.map(\.time).max() ?? Instant(nanoseconds: 0) }

    /// When also the last stopped process and the last broken link are back.
    var healed: Instant { faults.map { $0.time + $0.kind.duration }.max() ?? Instant(nanoseconds: 0) }

    /// A step that the slowest worker computes alone.
    private var slowestStep: Duration {
        let slowest = faults.reduce(1 as UInt64) { slowest, fault in
            if case .slowDown(let factor) = fault.kind { max(slowest, factor) } else { slowest }
        }
        return microbatchTime * (slowest * UInt64(extent.microbatches) * (isTwoRounds ? 2 : 1))
    }

    /// Virtual time after which a run counts as stuck.
    var limit: Duration { .seconds(3_600) + slowestStep * UInt64(2 * steps) }

    /// From then on, so soon something must have been achieved again: a silent peer is given up after ten seconds, and the rest is
    /// work, perhaps of the slowest.
    var longestStall: Duration {
        // What got lost on a link that did not break (TCP's do) is given again when it is late, and that is later each time.
        let losesSilently =
            lossRate + damageRate + duplicationRate > 0
            || faults.contains { fault in
                switch fault.kind {
                case .partition, .partitionAll: true
                default: false
                }
            }
        // Where nothing is lost: those under way and queued in vain, before the ones that count.
        let (patience, leases): (Duration, UInt64) = losesSilently ? (.seconds(400), 64 * 5) : (.seconds(15), 8)
        return patience + slowestStep * leases + longestDelay * 20
    }

    package static func random(seed: UInt64) -> Scenario {
        var random = SplitMix64(seed: seed)
        var scenario = Scenario(seed: seed)
        scenario.steps = random.within(3...20)
        scenario.isTwoRounds = seed % 3 == 0
        let size = random.within(1...3)
        scenario.extent = StepExtent(examples: random.within(1...17 * size), examplesPerMicrobatch: size)
        scenario.workers = random.within(0...6)
        scenario.microbatchTime = .milliseconds(UInt64(random.within(1...60)))
        scenario.longestDelay = .milliseconds(UInt64(random.happens(0.2) ? random.within(5...300) : 2))
        scenario.noticesBrokenLinks = random.happens(0.7)
        if random.happens(0.3) { scenario.failureRate = 0.1 }
        if random.happens(0.3) { scenario.duplicationRate = 0.1 }
        if random.happens(0.25) { scenario.lossRate = Double(random.within(1...20)) / 100 }
        if random.happens(0.2) { scenario.damageRate = Double(random.within(1...10)) / 100 }
        if random.happens(0.4) { scenario.audit = random.happens(0.5) ? 1 : Double(random.within(1...50)) / 100 }
        scenario.checkpointInterval = UInt64(random.within(1...6))
        let work = UInt64(scenario.steps * scenario.extent.microbatches)
        let horizon = max(500, Int((scenario.microbatchTime * work).nanoseconds / 1_000_000))
        for _ in 0..<random.below(9) {
            let time = Instant(nanoseconds: 0) + .milliseconds(UInt64(random.below(horizon)))
            scenario.faults.append(Fault(time: time, kind: randomKind(&random)))
        }
        scenario.addLiars(&random, horizon: horizon)
        switch random.below(4) {
        case 0, 1: break
        case 2: scenario.credentials = .own
        default: scenario.credentials = .shared(random.within(1...3))
        }
        if case .none = scenario.credentials { return scenario }
        if random.happens(0.2) {
            let time = Instant(nanoseconds: 0) + .milliseconds(UInt64(random.below(horizon)))
            scenario.faults.append(Fault(time: time, kind: .revoke))
        }
        return scenario
    }

    /// Where only some shards are audited, one that has gone bad for good: nobody finds a single error that was not looked at.
    private mutating func addLiars(_ random: inout SplitMix64, horizon: Int) {
        func aTime() -> Instant { Instant(nanoseconds: 0) + .milliseconds(UInt64(random.below(horizon))) }
        if audit > 0, random.happens(0.6) {
            for _ in 0..<(random.happens(0.2) ? 2 : 1) {
                let chance = audit < 1 || random.happens(0.5) ? 1 : Double(random.within(1...9)) / 10
                faults.append(Fault(time: aTime(), kind: .corrupt(chance: chance)))
            }
        }
        if random.happens(0.1) {
            faults.append(Fault(time: aTime(), kind: .overflow(chance: Double(random.within(1...10)) / 10)))
        }
    }

    private static func randomKind(_ random: inout SplitMix64) -> Fault.Kind {
        let short = Duration.milliseconds(UInt64(random.within(1...3_000)))
        let long = Duration.milliseconds(UInt64(random.within(1...25_000)))
        switch random.below(28) {
        case 0, 1: return .kill
        case 2: return .killAll
        case 3, 4, 5: return .pause(short)
        case 6, 7: return .pause(long)
        case 8, 9: return .breakLink(short)
        case 10: return .leave
        case 11, 12, 13: return .join
        case 14, 15, 16, 17: return .slowDown(factor: UInt64(random.within(2...200)))
        case 18: return .pauseCoordinator(long)
        case 19: return .joinMany(random.within(5...40))
        case 20, 21: return .partition(toWorker: random.happens(0.5), random.happens(0.5) ? short : long)
        case 22: return .partitionAll(toWorker: random.happens(0.5), short)
        case 23, 24: return .clog(short)
        case 25, 26: return .replay(random.within(1...20))
        default: return .restartCoordinator(short, isTorn: random.happens(0.4))
        }
    }
}
