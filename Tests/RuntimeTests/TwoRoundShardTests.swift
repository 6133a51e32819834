// Shards in two rounds: of any cut, on any number of threads, with any memory for passes, their latent vectors and gradients have the
// bits of one microbatch after another.
import Coordination
import Messaging
import ModelCore
import Runtime
import TestKit
import Testing

@Suite struct TwoRoundShardTests {
    static let kinds = NetworkKind.allCases.filter(\.isInBatch)

    /// Enough for so many passes.
    private func bytes(ofPasses count: Int, _ network: NetworkDescription) -> Int {
        count * MicrobatchGradient(network).byteCount
    }

    private func slopes(_ fixture: ShardFixture, _ random: inout SplitMix64) -> [Float] {
        let perExample = fixture.network.kind.towers * fixture.network.latentDimensions
        return (0..<fixture.extent.examples * perExample).map { _ in Float(random.below(2001)) / 1000 - 1 }
    }

    /// Latent vectors and gradient sum by the plainest way.
    private func plain(_ fixture: ShardFixture, _ slopes: [Float]) -> (latents: [Float], sum: ShardFixture.Sum)? {
        let (network, pool) = (fixture.network, BufferPool(count: ParameterLayout(fixture.network).paddedCount))
        let computer = MicrobatchGradient(network)
        var tree = ReductionTree(microbatches: fixture.extent.microbatches, pool: pool)
        var latents: [Float] = []
        let perExample = network.kind.towers * network.latentDimensions
        for index in 0..<fixture.extent.microbatches {
            let lease = fixture.lease(MicrobatchRange(first: index, count: 1), .embeddings)
            let first = index * microbatchSize
            var own = [Float](repeating: 0, count: lease.examples * perExample)
            let buffer = pool.take()
            fixture.withExamples(of: lease) { (examples) throws(Never) in
                let microbatch = examples.microbatch(
                    lease.examples, at: .training(first: network.noise.position(step: 1, example: first)))
                own.withUnsafeMutableBufferPointer {
                    computer.embed(microbatch, at: fixture.weights.floats, into: $0.baseAddress!)
                }
            }
            slopes.withUnsafeBufferPointer {
                computer.gradient(
                    ofLatents: $0.baseAddress! + first * perExample, examples: lease.examples,
                    at: fixture.weights.floats, into: buffer.values.baseAddress!)
            }
            latents += own
            let partial = Partial(
                gradient: buffer, lossSum: 0, exampleCount: UInt32(lease.examples), activeCount: 0)
            _ = tree.insert(partial, at: lease.range)
        }
        return tree.takeRoot().map { (latents, ShardFixture.Sum($0)) }
    }

    /// Both rounds of all ranges.
    private func twoRounds(
        _ fixture: ShardFixture, _ ranges: [MicrobatchRange], _ slopes: [Float], threads: Int, passes kept: Int,
        isForgetful: Bool
    ) throws -> (latents: [Float], sum: ShardFixture.Sum?) {
        let network = fixture.network
        let computer = ShardComputer(network, threads: threads, passBytes: bytes(ofPasses: kept, network))
        let perExample = network.kind.towers * network.latentDimensions
        var latents = [Float](repeating: 0, count: fixture.extent.examples * perExample)
        var passes: [ShardPasses] = []
        for range in ranges {
            let lease = fixture.lease(range, .embeddings)
            try latents.withUnsafeMutableBufferPointer { latents in
                let place = latents.baseAddress! + range.first * microbatchSize * perExample
                passes.append(
                    try fixture.withExamples(of: lease) { examples in
                        try computer.embed(lease, examples, weights: fixture.weights.floats, into: place) { _ in }
                    })
            }
        }
        #expect(passes.reduce(0) { $0 + $1.count } == min(max(1, kept), fixture.extent.microbatches))
        var tree = ReductionTree(
            microbatches: fixture.extent.microbatches, pool: BufferPool(count: computer.parameterCount))
        for (range, passes) in zip(ranges, passes) {
            let lease = fixture.lease(range, .gradientsOfLatents)
            let partials = slopes.withUnsafeBufferPointer { slopes in
                fixture.withExamples(of: lease) { (examples) throws(Never) in
                    computer.compute(
                        lease, examples, weights: fixture.weights.floats,
                        round: SecondRound(latentGradients: slopes.baseAddress!, passes: isForgetful ? nil : passes)
                    ) { (_) throws(Never) in }
                }
            }
            for (node, partial) in zip(lease.nodes, partials) { _ = tree.insert(partial, at: node) }
            computer.recycle(passes)
        }
        return (latents, tree.takeRoot().map(ShardFixture.Sum.init))
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func whatWasKeptAndWhatIsComputedAgainHaveTheSameBits(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let kind = Self.kinds[Int(seed) % Self.kinds.count]
        let fixture = ShardFixture(kind, examples: random.within(1...120), random: &random)
        let slopes = slopes(fixture, &random)
        let expected = try #require(plain(fixture, slopes))
        let count = fixture.extent.microbatches
        let middle = random.within(0...count)
        let ranges = [(0, middle), (middle, count - middle)].filter { $0.1 > 0 }
            .map { MicrobatchRange(first: $0.0, count: $0.1) }
        for threads in [1, 2, 4] {
            for (kept, isForgetful) in [(count, false), (count / 2, false), (1, false), (count, true)] {
                let found = try twoRounds(
                    fixture, ranges, slopes, threads: threads, passes: kept, isForgetful: isForgetful)
                let how =
                    "seed \(seed): \(kind), \(ranges), \(threads) threads, \(kept) passes, forgetful \(isForgetful)"
                #expect(found.latents == expected.latents, "\(how)")
                #expect(found.sum == expected.sum, "\(how)")
            }
        }
    }

    private struct Enough: Error {}

    @Test func anEmbeddingThatNobodyWantsGivesItsPassesBack() throws {
        var random = SplitMix64(seed: 3)
        let fixture = ShardFixture(.onlineTriplet, examples: 160, random: &random)
        let all = fixture.extent.allMicrobatches
        let computer = ShardComputer(
            fixture.network, threads: 1, passBytes: bytes(ofPasses: all.count, fixture.network))
        let lease = fixture.lease(all, .embeddings)
        var latents = [Float](repeating: 0, count: 160 * fixture.network.latentDimensions)
        func embed(_ between: (Int) throws -> Void) throws -> Int {
            try latents.withUnsafeMutableBufferPointer { latents in
                try fixture.withExamples(of: lease) { examples in
                    try computer.embed(
                        lease, examples, weights: fixture.weights.floats, into: latents.baseAddress!, between: between)
                }
            }.count
        }
        #expect(throws: Enough.self) { try embed { if $0 >= 4 { throw Enough() } } }
        #expect(try embed { _ in } == all.count)
        // Those are not given back.
        #expect(try embed { _ in } == 0)
    }
}

@Suite struct LatentSheetTests {
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func anyOrderOfAnswersGivesTheOrderOfTheExamples(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let extent = StepExtent(examples: random.within(1...200), examplesPerMicrobatch: microbatchSize)
        let first = random.below(extent.microbatches)
        let part = MicrobatchRange(first: first, count: random.within(1...extent.microbatches - first))
        let floats = random.within(1...5)
        // The index of a float in the batch is its value.
        func frame(_ node: MicrobatchRange) -> Frame {
            let begin = node.first * microbatchSize * floats
            let values = (begin..<begin + extent.examples(in: node) * floats).map { Float($0) }
            return values.withUnsafeBytes { Frame(copying: $0) }
        }
        var sheet = LatentSheet(part, of: extent, floatsPerExample: floats)
        var nodes = part.maximalNodes(of: extent.microbatches)
        nodes.shuffle(using: &random)
        for node in nodes { sheet.insert([node], [frame(node)]) }
        let begin = part.first * microbatchSize * floats
        #expect(sheet.latents == (begin..<begin + extent.examples(in: part) * floats).map { Float($0) })
        for node in nodes {
            let (summary, again) = sheet.node(node)
            #expect(summary.node == node && Int(summary.examples) == extent.examples(in: node))
            #expect(summary.lossSum == 0 && summary.active == 0)
            let isSame = again.withUnsafeBytes { Array($0) } == frame(node).withUnsafeBytes { Array($0) }
            #expect(isSame)
        }
    }
}
