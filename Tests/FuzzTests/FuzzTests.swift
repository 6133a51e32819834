// A second of every target, the same inputs each time; millions, steered by coverage: scripts/fuzz.
// Replay one: SIAMESE_FUZZ_SEED=<seed> swift test --filter FuzzTests
import Foundation
import FuzzTargets
import Testing

@Suite struct FuzzTests {
    /// More inputs where one costs less; some hundreds of thousands in all.
    static func count(_ target: FuzzTarget) -> UInt64 {
        switch target.name {
        case "resume": 400
        case "coordinator-core", "worker-core": 10_000
        case "checkpoint", "idx": 8_000
        default: 40_000
        }
    }

    @Test(arguments: FuzzTarget.all.map(\.name))
    func noInputDoesHarm(name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let replayed = ProcessInfo.processInfo.environment["SIAMESE_FUZZ_SEED"].flatMap { UInt64($0) }
        var accepted = 0
        var refused = 0
        for seed in replayed.map({ $0...$0 }) ?? 1...Self.count(target) {
            do {
                if try target.run(target.input(seed: seed)).isAccepted { accepted += 1 } else { refused += 1 }
            } catch {
                Issue.record("\(name), seed \(seed): \(error)")
            }
        }
        // Inputs that all end at the first check would prove nothing.
        if replayed == nil { #expect(accepted >= refused / 100 && refused >= accepted / 100) }
    }

    @Test(arguments: FuzzTarget.all.map(\.name))
    func samplesAreAccepted(name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        var outcomes: [FuzzTarget.Outcome] = []
        for sample in target.samples { outcomes.append(try target.run(sample)) }
        let (accepted, measured) = (outcomes.filter(\.isAccepted), outcomes.filter { $0.peak > 0 })
        #expect(!accepted.isEmpty)
        #expect(!measured.isEmpty, "what is allocated is counted")
    }
}
