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
        /// About half of the workers compute so much more slowly from now on (a neighbour's job has begun).
        case slowDown(factor: UInt64)
        case pauseCoordinator(Duration)
        /// kill -9 of the coordinator, which resumes from the last completed step with a new run id.
        case restartCoordinator(Duration)
    }

    package let time: Instant
    package let kind: Kind
}

/// A job and its misfortunes.
package struct Scenario: Sendable {
    package let seed: UInt64
    package var steps = 20
    package var extent = StepExtent(examples: 12, examplesPerMicrobatch: 2)
    package var workers = 1
    package var faults: [Fault] = []
    /// Chance that a message vanishes, is delivered twice; above zero, messages may also overtake each other.
    package var lossRate = 0.0
    package var duplicationRate = 0.0
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

    package static func random(seed: UInt64) -> Scenario {
        var random = SplitMix64(seed: seed)
        var scenario = Scenario(seed: seed)
        scenario.steps = random.within(3...20)
        let size = random.within(1...3)
        scenario.extent = StepExtent(examples: random.within(1...17 * size), examplesPerMicrobatch: size)
        scenario.workers = random.within(0...6)
        scenario.microbatchTime = .milliseconds(UInt64(random.within(1...60)))
        scenario.longestDelay = .milliseconds(UInt64(random.happens(0.2) ? random.within(5...300) : 2))
        scenario.noticesBrokenLinks = random.happens(0.7)
        if random.happens(0.3) { scenario.failureRate = 0.1 }
        if random.happens(0.3) { scenario.duplicationRate = 0.1 }
        if random.happens(0.25) { scenario.lossRate = Double(random.within(1...20)) / 100 }
        let work = UInt64(scenario.steps * scenario.extent.microbatches)
        let horizon = max(500, Int((scenario.microbatchTime * work).nanoseconds / 1_000_000))
        for _ in 0..<random.below(9) {
            let time = Instant(nanoseconds: 0) + .milliseconds(UInt64(random.below(horizon)))
            scenario.faults.append(Fault(time: time, kind: randomKind(&random)))
        }
        return scenario
    }

    private static func randomKind(_ random: inout SplitMix64) -> Fault.Kind {
        let short = Duration.milliseconds(UInt64(random.within(1...3_000)))
        let long = Duration.milliseconds(UInt64(random.within(1...25_000)))
        switch random.below(20) {
        case 0, 1: return .kill
        case 2: return .killAll
        case 3, 4, 5: return .pause(short)
        case 6, 7: return .pause(long)
        case 8, 9: return .breakLink(short)
        case 10: return .leave
        case 11, 12, 13: return .join
        case 14, 15, 16, 17: return .slowDown(factor: UInt64(random.within(2...200)))
        case 18: return .pauseCoordinator(long)
        default: return .restartCoordinator(short)
        }
    }
}
