// Shards of any cut, on any number of threads, add up to the same bits.
import Coordination
import ModelCore
import Runtime
import TestKit
import Testing

@Suite struct ShardComputerTests {
    /// Cuts 0..<count anywhere.
    private func cut(_ count: Int, _ random: inout SplitMix64) -> [MicrobatchRange] {
        var ranges: [MicrobatchRange] = []
        var first = 0
        while first < count {
            let length = random.within(1...max(1, min(count - first, random.within(1...count))))
            ranges.append(MicrobatchRange(first: first, count: length))
            first += length
        }
        return ranges
    }

    private struct Enough: Error {}

    @Test(arguments: [1, 3]) func aComputationThatNobodyWantsEndsAtOnce(threads: Int) throws {
        var random = SplitMix64(seed: 5)
        let fixture = ShardFixture(.triplet, examples: 2000, random: &random)
        let computer = ShardComputer(fixture.network, threads: threads)
        let all = fixture.extent.allMicrobatches
        var done = 0
        #expect(throws: Enough.self) {
            try fixture.compute(all, computer) { count in
                done = count
                if count >= 5 { throw Enough() }
            }
        }
        #expect(done < all.count / 2, "\(done) of \(all.count)")
        // And the next one is right.
        let again = fixture.compute(all, computer) { _ in }
        #expect(again.map(ShardFixture.Sum.init) == [try #require(fixture.plainSum())])
    }

    @Test(arguments: 1...24)
    func everyCutAndEveryNumberOfThreadsGiveTheSameBits(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let kinds = NetworkKind.allCases.filter { !$0.isInBatch }
        let kind = kinds[Int(seed) % kinds.count]
        let fixture = ShardFixture(kind, examples: random.within(1...300), random: &random)
        let expected = try #require(fixture.plainSum())
        #expect(expected.examples == fixture.extent.examples)
        for threads in [1, random.within(2...5)] {
            var ranges = cut(fixture.extent.microbatches, &random)
            // Answers come in any order.
            ranges.shuffle(using: &random)
            let sum = fixture.sum(ranges, threads: threads)
            #expect(sum == expected, "seed \(seed): \(kind), \(ranges), \(threads) threads")
        }
    }
}
