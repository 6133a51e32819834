// Thousands of simulated runs with everything going wrong, and one oracle: the digest of the fault-free run.
// Replay one: SIAMESE_SIM_SEED=<seed> swift test --filter SimulationTests
// More of them: SIAMESE_SIM_COUNT=1000000 swift test --filter SimulationTests

import Coordination
import Foundation
import TestKit
import Testing

@Suite struct SimulationTests {
    @Test(arguments: [false, true]) func aFaultFreeRunOfOneWorkerGivesTheNaiveDigest(isTwoRounds: Bool) {
        for examples in 1...40 {
            var scenario = Scenario(seed: UInt64(examples))
            scenario.isTwoRounds = isTwoRounds
            scenario.extent = StepExtent(examples: examples, examplesPerMicrobatch: 2)
            Self.check(scenario)
        }
    }

    @Test(arguments: [false, true]) func anyNumberOfWorkersGivesTheSameDigest(isTwoRounds: Bool) {
        for workers in [0, 1, 2, 3, 5, 8, 13] {
            var scenario = Scenario(seed: 7)
            scenario.isTwoRounds = isTwoRounds
            scenario.workers = workers
            scenario.extent = StepExtent(examples: 21, examplesPerMicrobatch: 2)
            let result = Self.check(scenario)
            // Undisturbed, no image travels twice.
            if workers > 0 {
                #expect(result.reuses == (isTwoRounds ? result.leases / 2 : 0))
                #expect(result.spared == result.reuses)
            }
        }
    }

    /// Of a million: leases and weights of a step that was void, in the epoch after it; and a worker stopped twice at a time.
    @Test(arguments: [659_327, 923_434] as [UInt64]) func whatOnceFailedGivesTheSameDigest(seed: UInt64) {
        Self.check(.random(seed: seed))
    }

    @Test func anyMisfortuneGivesTheSameDigest() async {
        let results = await withTaskGroup(of: [SimulationResult].self) { group in
            for part in 0..<Self.parts {
                group.addTask {
                    Self.seeds.filter { $0 % Self.parts == part }.map { Self.check(.random(seed: $0)) }
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        guard Self.replayed == nil else { return }
        // The faults did bite; otherwise the digests would prove nothing.
        #expect(results.reduce(0) { $0 + $1.reuses } > 10 * results.count)
        #expect(results.reduce(0) { $0 + $1.spared } > 10 * results.count)
        let audits = results.reduce(0) { $0 + $1.audits }
        let (quarantined, returns) = results.reduce((0, 0)) { ($0.0 + $1.quarantined, $0.1 + $1.returns) }
        #expect(audits > 50 * results.count / 100, "\(audits)")
        #expect(quarantined > results.count / 50 && returns > results.count / 100, "\(quarantined) \(returns)")
        #expect(results.reduce(0) { $0 + $1.ignored } > results.count)
        #expect(results.count { $0.liars > 1 } > results.count / 100)
        #expect(results.reduce(0) { $0 + $1.examinations } > results.count / 100)
        #expect(results.reduce(0) { $0 + $1.revocations } > results.count / 50)
        #expect(results.reduce(0) { $0 + $1.torn } > results.count / 150)
        // Stopping is right only where a single worker is left to disagree with.
        #expect(results.reduce(0) { $0 + $1.interventions } < results.count / 20)
        #expect(results.reduce(0) { $0 + $1.deserted } > results.count / 5)
    }

    private static let replayed = ProcessInfo.processInfo.environment["SIAMESE_SIM_SEED"].flatMap(UInt64.init)
    private static let seeds = replayed.map { $0...$0 } ?? 1...(count ?? 10_000)
    private static let count = ProcessInfo.processInfo.environment["SIAMESE_SIM_COUNT"].flatMap(UInt64.init)
    private static let parts = UInt64(max(2, ProcessInfo.processInfo.activeProcessorCount))

    @discardableResult
    private static func check(_ scenario: Scenario) -> SimulationResult {
        let result = Simulation(scenario, logging: replayed != nil).run()
        if replayed == scenario.seed { print(result.log.joined(separator: "\n")) }
        let expected = ToyModel.referenceDigest(
            steps: scenario.steps, extent: scenario.extent, isTwoRounds: scenario.isTwoRounds)
        let replay = "replay: SIAMESE_SIM_SEED=\(scenario.seed) swift test --filter SimulationTests"
        #expect(result.problems.isEmpty, "\(result.problems.joined(separator: "\n"))\n\(replay)")
        // A worker that erred may be gone before anybody looked at what it did, but once found out, nothing of it is left. Of two,
        // both must have been.
        let areAllFound =
            result.liars < 2 ? result.quarantined + result.interventions > 0 : result.quarantined >= result.liars
        if result.corruptions == 0 || scenario.audit == 1 || areAllFound && result.overflows == 0 {
            #expect(result.digest == expected, "digest differs from the fault-free one; \(replay)")
        }
        return result
    }
}
