// A cluster with relays and its misfortunes: drawn from a seed, and nothing but the seed.

package import Coordination

/// Who connects to whom, and what goes wrong. Slot 0 is the coordinator; a slot is an address, and its process may be replaced.
package struct TreeScenario: Sendable {
    package enum Kind: Sendable { case kill, terminate, pause(Duration) }

    package struct Fault: Sendable {
        package let time: Instant
        package let slot: Int
        package let kind: Kind
    }

    package let seed: UInt64
    package var steps = 12
    package var extent = StepExtent(examples: 40, examplesPerMicrobatch: 2)
    /// The parent of relay slot i + 1: a lower slot.
    package var relays: [Int] = []
    /// The parents of the worker slots, which follow the relays'.
    package var workers: [Int] = []
    package var faults: [Fault] = []
    package var lossRate = 0.0
    package var duplicationRate = 0.0
    /// Of all shards of the coordinator: relays are compared with each other.
    package var audit = 0.0
    package var longestDelay = Duration.milliseconds(2)
    package var microbatchTime = Duration.milliseconds(5)
    /// A step has two rounds.
    package var isTwoRounds = false

    /// No faults.
    package init(seed: UInt64, relays: [Int], workers: [Int]) {
        self.seed = seed
        self.relays = relays
        self.workers = workers
    }

    package var calm: Instant { faults.map(\.time).max() ?? Instant(nanoseconds: 0) }

    package static func random(seed: UInt64) -> TreeScenario {
        var random = SplitMix64(seed: seed)
        let relays = (0..<random.within(1...4)).map { random.below($0 + 1) }
        let workers = (0..<random.within(1...7)).map { _ in random.below(relays.count + 1) }
        var scenario = TreeScenario(seed: seed, relays: relays, workers: workers)
        scenario.steps = random.within(3...12)
        scenario.isTwoRounds = seed % 3 == 0
        let size = random.within(1...3)
        scenario.extent = StepExtent(examples: random.within(1...40 * size), examplesPerMicrobatch: size)
        scenario.microbatchTime = .milliseconds(UInt64(random.within(1...60)))
        scenario.longestDelay = .milliseconds(UInt64(random.happens(0.2) ? random.within(5...100) : 2))
        if random.happens(0.2) { scenario.duplicationRate = 0.1 }
        if random.happens(0.3) { scenario.audit = 0.3 }
        if random.happens(0.2) { scenario.lossRate = Double(random.within(1...10)) / 100 }
        let work = UInt64(scenario.steps * scenario.extent.microbatches)
        let horizon = max(500, Int((scenario.microbatchTime * work).nanoseconds / 1_000_000))
        for _ in 0..<random.below(9) {
            let time = Instant(nanoseconds: 0) + .milliseconds(UInt64(random.below(horizon)))
            // Relays are what this is about.
            let slot =
                random.happens(0.5) ? random.within(1...relays.count) : random.below(1 + relays.count + workers.count)
            scenario.faults.append(Fault(time: time, slot: slot, kind: randomKind(&random)))
        }
        return scenario
    }

    private static func randomKind(_ random: inout SplitMix64) -> Kind {
        switch random.below(6) {
        case 0, 1, 2: .kill
        case 3: .terminate
        default: .pause(.milliseconds(UInt64(random.within(1...15_000))))
        }
    }
}
