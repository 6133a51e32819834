// Clusters with relays under the simulator: any tree, any misfortune, and the digest of the fault-free run of one worker.
// Replay one: SIAMESE_TREE_SEED=<seed> swift test --filter RelayTreeTests

import Coordination
import Foundation
import TestKit
import Testing

@Suite struct RelayTreeTests {
    /// Parents of the relays' slots, then of the workers'.
    struct Tree: CustomTestStringConvertible, Sendable {
        let relays: [Int]
        let workers: [Int]
        var testDescription: String { "relays under \(relays), workers under \(workers)" }
    }

    @Test(arguments: [
        Tree(relays: [], workers: [0, 0]),
        Tree(relays: [0], workers: [1]),
        Tree(relays: [0, 0], workers: [1, 1, 1, 2, 2]),
        Tree(relays: [0, 1], workers: [0, 1, 2, 2, 2]),
        Tree(relays: [0, 1, 2, 0], workers: [3, 3, 4]),
    ])
    func levelsDoNotMatter(tree: Tree) {
        for examples in [1, 2, 13, 40, 77] {
            for isTwoRounds in [false, true] {
                var scenario = TreeScenario(seed: UInt64(examples), relays: tree.relays, workers: tree.workers)
                scenario.extent = StepExtent(examples: examples, examplesPerMicrobatch: 2)
                scenario.isTwoRounds = isTwoRounds
                check(scenario)
            }
        }
    }

    @Test func theCoordinatorsMessagesGrowWithItsRelays() {
        func messages(_ relays: [Int], _ workers: [Int]) -> Int {
            var scenario = TreeScenario(seed: 3, relays: relays, workers: workers)
            scenario.extent = StepExtent(examples: 128, examplesPerMicrobatch: 2)
            scenario.steps = 30
            return check(scenario)
        }
        let alone = messages([], Array(repeating: 0, count: 32))
        let behindOne = messages([0], Array(repeating: 1, count: 32))
        let behindTwo = messages([0, 0], (0..<32).map { 1 + $0 % 2 })
        #expect(behindOne * 20 < alone && behindTwo * 10 < alone)
    }

    @Test func anyMisfortuneGivesTheSameDigest() {
        var restarts = 0
        for seed in Self.seeds { restarts += run(.random(seed: seed)).restarts }
        // The faults did bite; otherwise the digests would prove nothing.
        if Self.replayed == nil { #expect(restarts > 1_000) }
    }

    private static let replayed = ProcessInfo.processInfo.environment["SIAMESE_TREE_SEED"].flatMap(UInt64.init)
    private static let seeds = replayed.map { $0...$0 } ?? 1...1_500

    @discardableResult
    private func check(_ scenario: TreeScenario) -> Int { run(scenario).messages }

    private func run(_ scenario: TreeScenario) -> (messages: Int, restarts: Int) {
        let result = TreeSimulation(scenario, logging: Self.replayed != nil).run()
        if Self.replayed != nil { print(result.log.joined(separator: "\n")) }
        let expected = ToyModel.referenceDigest(
            steps: scenario.steps, extent: scenario.extent, isTwoRounds: scenario.isTwoRounds)
        let replay = "replay: SIAMESE_TREE_SEED=\(scenario.seed) swift test --filter RelayTreeTests"
        #expect(result.problems.isEmpty, "\(result.problems.joined(separator: "\n"))\n\(replay)")
        #expect(result.digest == expected, "digest differs from the fault-free one; \(replay)")
        return (result.messages, result.restarts)
    }
}
