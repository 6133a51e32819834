// Thousands of simulated runs with everything going wrong, and one oracle: the digest of the fault-free run.
// Replay one: SIAMESE_SIM_SEED=<seed> swift test --filter SimulationTests

import Coordination
import Foundation
import TestKit
import Testing

@Suite struct SimulationTests {
    @Test func aFaultFreeRunOfOneWorkerGivesTheNaiveDigest() {
        for examples in 1...40 {
            var scenario = Scenario(seed: UInt64(examples))
            scenario.extent = StepExtent(examples: examples, examplesPerMicrobatch: 2)
            check(scenario)
        }
    }

    @Test func anyNumberOfWorkersGivesTheSameDigest() {
        for workers in [0, 1, 2, 3, 5, 8, 13] {
            var scenario = Scenario(seed: 7)
            scenario.workers = workers
            scenario.extent = StepExtent(examples: 21, examplesPerMicrobatch: 2)
            check(scenario)
        }
    }

    @Test func anyMisfortuneGivesTheSameDigest() {
        var (audits, ignored, deserted) = (0, 0, 0)
        for seed in Self.seeds {
            let result = check(.random(seed: seed))
            audits += result.audits
            ignored += result.ignored
            deserted += result.deserted
        }
        if Self.replayed == nil {
            // The faults did bite; otherwise the digests would prove nothing.
            #expect(audits > 50 && ignored > 500 && deserted > 500)
        }
    }

    private static let replayed = ProcessInfo.processInfo.environment["SIAMESE_SIM_SEED"].flatMap(UInt64.init)
    private static let seeds = replayed.map { $0...$0 } ?? 1...2_500

    @discardableResult
    private func check(_ scenario: Scenario) -> SimulationResult {
        let result = Simulation(scenario, logging: Self.replayed != nil).run()
        if Self.replayed == scenario.seed { print(result.log.joined(separator: "\n")) }
        let expected = ToyModel.referenceDigest(steps: scenario.steps, extent: scenario.extent)
        let replay = "replay: SIAMESE_SIM_SEED=\(scenario.seed) swift test --filter SimulationTests"
        #expect(result.problems.isEmpty, "\(result.problems.joined(separator: "\n"))\n\(replay)")
        #expect(result.digest == expected, "digest differs from the fault-free one; \(replay)")
        return result
    }
}
