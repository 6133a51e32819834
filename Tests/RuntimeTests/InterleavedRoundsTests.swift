// How time is measured, on a clock that only workloads advance: no real time passes here.
import ModelCore
import Runtime
import Testing

/// A clock and what was run on it.
private final class Bench {
    var now = 5.0
    var log: [String] = []

    /// Takes `seconds` a run; the first run takes ten times as long.
    func workload(_ batchSize: Int, seconds: Double) -> Workload {
        var isFirst = true
        return Workload(.step(.triplet, .seed, batchSize: batchSize), Work()) { times in
            self.now += seconds * (isFirst ? 10 : Double(times))
            isFirst = false
            self.log.append("\(batchSize)×\(times)")
        }
    }

    func rounds(_ rules: RoundRules) -> InterleavedRounds { InterleavedRounds(rules) { self.now } }
}

@Suite struct InterleavedRoundsTests {
    @Test func workloadsTakeTurns() throws {
        let bench = Bench()
        var rounds = bench.rounds(RoundRules(budget: 0, sample: 0.064))
        rounds.add(bench.workload(1, seconds: 0.001))
        rounds.add(bench.workload(2, seconds: 1))
        bench.log = []
        var pauses: [Int] = []
        rounds.run { pauses.append($0) }
        #expect(bench.log == ["1×64", "2×1", "1×64", "2×1", "1×64", "2×1"])
        #expect(pauses == [1, 1, 2, 2, 3, 3])
        let medians = rounds.summaries.map(\.time.median)
        #expect(abs(medians[0] - 0.001) < 1e-9 && abs(medians[1] - 1) < 1e-9)
    }

    @Test func theBudgetDecidesHowManyRounds() {
        let bench = Bench()
        var rounds = bench.rounds(RoundRules(budget: 21.5, sample: 0.01))
        // Ten seconds of warming up, then a second a round.
        rounds.add(bench.workload(1, seconds: 1))
        rounds.run { _ in }
        #expect(rounds.rounds == 11)
        #expect(rounds.elapsed == 21)
    }

    @Test func roundsHaveABound() {
        let bench = Bench()
        var rounds = bench.rounds(RoundRules(budget: 1e9, sample: 0.01))
        rounds.add(bench.workload(1, seconds: 1))
        rounds.run { _ in }
        #expect(rounds.rounds == 20)
    }

    @Test func aPauseCanEndIt() throws {
        struct Stop: Error {}
        let bench = Bench()
        var rounds = bench.rounds(RoundRules(budget: 1e9, sample: 0.01))
        rounds.add(bench.workload(1, seconds: 1))
        #expect(throws: Stop.self) { try rounds.run { if $0 == 2 { throw Stop() } } }
        #expect(rounds.rounds == 1)
    }

    @Test func summariesAreQuartiles() throws {
        #expect(Summary([]) == nil)
        let one = try #require(Summary([3]))
        #expect((one.median, one.best, one.spread) == (3, 3, 0))
        let five = try #require(Summary([50, 10, 20, 40, 30]))
        #expect((five.median, five.best) == (30, 10))
        #expect(abs(five.spread - 20.0 / 30) < 1e-12)
        // One interrupted repeat does not show.
        let many = try #require(Summary(Array(repeating: 1, count: 9) + [100]))
        #expect(many.spread == 0)
        let two = try #require(Summary([1, 2]))
        #expect(two.median == 1.5)
    }

    @Test func optionsCoverTheCores() {
        func options(cores: Int, seconds: Double? = nil, isQuick: Bool = false) -> BenchmarkOptions {
            BenchmarkOptions(architecture: nil, network: nil, seconds: seconds, isQuick: isQuick, cores: cores)
        }
        #expect(options(cores: 1).threadCounts == [1])
        #expect(options(cores: 2).threadCounts == [1, 2])
        #expect(options(cores: 6).threadCounts == [1, 2, 4, 6])
        #expect(options(cores: 8).threadCounts == [1, 2, 4, 8])
        #expect(options(cores: 6).batchSizes == [16, 32, 64, 128, 256, 512, 1024])
        #expect(options(cores: 6).stepNetwork == .siameseContrastive)
        let short = options(cores: 2, seconds: 2)
        #expect(short.isTooLong(Work(operations: 11), peak: 100))
        #expect(!short.isTooLong(Work(operations: 9), peak: 100))
    }
}
