// Examples of noise and their shards, for tests of whatever computes gradients.
import Coordination
import Datasets
import ModelCore
import Runtime
import TestKit

/// One step's examples, and its gradient sum by the plainest way: microbatch for microbatch, straight into the tree.
struct ShardFixture {
    let network: NetworkDescription
    let extent: StepExtent
    let weights: ParameterBuffer
    /// [tower][example][pixel]
    let pixels: [[UInt8]]
    let targets: [Int32]

    init(_ kind: NetworkKind, examples: Int, random: inout SplitMix64) {
        network = NetworkDescription(kind: kind, noise: NoisePlan(seed: random.next(), batchSize: examples))
        extent = StepExtent(examples: examples, examplesPerMicrobatch: microbatchSize)
        weights = ParameterLayout(network).initialParameters(seed: random.next())
        pixels = (0..<kind.imagesPerExample).map { _ in
            (0..<examples * imagePixels).map { _ in UInt8(random.below(256)) }
        }
        targets = (0..<examples).map { _ in Int32(random.below(kind == .embeddingClassification ? 10 : 2)) }
    }

    /// What must agree to the last bit.
    struct Sum: Equatable {
        let gradient: UInt64
        let loss: UInt64
        let secondTerm: UInt64
        let examples: UInt32
        let active: UInt32

        init(_ partial: Partial) {
            gradient = partial.gradient.fingerprint
            loss = partial.lossSum.bitPattern
            secondTerm = partial.secondTermSum.bitPattern
            examples = partial.exampleCount
            active = partial.activeCount
        }
    }

    /// The sum, when the step is cut into `ranges` and each is computed with `threads`.
    func sum(_ ranges: [MicrobatchRange], threads: Int) -> Sum? {
        let computer = ShardComputer(network, threads: threads)
        var tree = ReductionTree(microbatches: extent.microbatches, pool: BufferPool(count: computer.parameterCount))
        for range in ranges {
            let partials = compute(range, computer) { _ in }
            for (node, partial) in zip(lease(range).nodes, partials) { _ = tree.insert(partial, at: node) }
        }
        return tree.takeRoot().map(Sum.init)
    }

    /// - Parameter task: of the first step
    func lease(_ range: MicrobatchRange, _ task: ShardTask = .gradients) -> ShardLease {
        ShardLease(
            run: RunID(high: 1, low: 1), step: task.number(ofStep: 1), shard: 0, lease: 1, range: range, extent: extent,
            imagesPerExample: network.kind.imagesPerExample, task: task)
    }

    func compute<Reason: Error>(
        _ range: MicrobatchRange, _ computer: ShardComputer, between: (Int) throws(Reason) -> Void
    ) throws(Reason) -> [Partial] {
        let lease = lease(range)
        return try withExamples(of: lease) { (examples) throws(Reason) in
            try computer.compute(lease, examples, weights: weights.floats, between: between)
        }
    }

    /// Calls `body` with the examples of a lease.
    func withExamples<T, Reason: Error>(
        of lease: ShardLease, _ body: (ShardExamples) throws(Reason) -> T
    ) throws(Reason) -> T {
        let first = lease.range.first * microbatchSize
        let examples = first..<first + lease.examples
        let shardPixels = pixels.flatMap { $0[examples.lowerBound * imagePixels..<examples.upperBound * imagePixels] }
        return try shardPixels.withUnsafeBufferPointer { (pixels) throws(Reason) in
            try targets[examples].withUnsafeBufferPointer { (targets) throws(Reason) in
                try body(ShardExamples(pixels: pixels.baseAddress!, targets: targets.baseAddress!))
            }
        }
    }

    /// The sum without shards, tasks or threads.
    func plainSum() -> Sum? {
        let computer = MicrobatchGradient(network)
        let pool = BufferPool(count: ParameterLayout(network).paddedCount)
        var tree = ReductionTree(microbatches: extent.microbatches, pool: pool)
        for index in 0..<extent.microbatches {
            let first = index * microbatchSize
            let count = min(microbatchSize, extent.examples - first)
            let buffer = pool.take()
            let towers = pixels.flatMap { $0[first * imagePixels..<(first + count) * imagePixels] }
            let sums = towers.withUnsafeBufferPointer { towers in
                targets[first..<first + count].withUnsafeBufferPointer { targets in
                    computer.gradient(
                        of: Microbatch(
                            pixels: towers.baseAddress!, towerStride: count * imagePixels,
                            targets: targets.baseAddress!, examples: count,
                            positions: .training(first: network.noise.position(step: 1, example: first))),
                        at: weights.floats, into: buffer.values.baseAddress!)
                }
            }
            let partial = Partial(
                gradient: buffer, lossSum: sums.loss, secondTermSum: sums.secondTerm,
                exampleCount: UInt32(sums.examples), activeCount: UInt32(sums.active))
            _ = tree.insert(partial, at: MicrobatchRange(first: index, count: 1))
        }
        return tree.takeRoot().map(Sum.init)
    }
}

extension ShardExamples {
    /// Of a shard of one microbatch.
    func microbatch(_ examples: Int, at positions: ExamplePositions) -> Microbatch {
        Microbatch(
            pixels: pixels, towerStride: examples * imagePixels, targets: targets, examples: examples,
            positions: positions)
    }
}
