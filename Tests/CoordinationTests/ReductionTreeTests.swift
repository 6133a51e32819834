// The tree and the accumulator against the naive recursion, bit by bit, over every small size and random orders.

import Coordination
import TestKit
import Testing

@Suite struct ReductionTreeTests {
    @Test func splitsAtTheLargestPowerOfTwoSmallerThanTheCount() {
        let splits = [2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 8: 4, 9: 8, 64: 32, 65: 64]
        for (count, left) in splits {
            let children = MicrobatchRange(first: 0, count: count).children
            #expect(children?.left.count == left && children?.right.end == count)
        }
        #expect(MicrobatchRange(first: 3, count: 1).children == nil)
    }

    @Test func maximalNodesTileTheRangeAndCannotGrow() {
        for total in 1...40 {
            let all = nodes(of: total)
            for first in 0..<total {
                for count in 1...total - first {
                    let range = MicrobatchRange(first: first, count: count)
                    let maximal = range.maximalNodes(of: total)
                    let expected = all.filter { node in
                        range.contains(node) && !all.contains { $0 != node && $0.contains(node) && range.contains($0) }
                    }
                    #expect(maximal == expected.sorted { $0.first < $1.first })
                    #expect(maximal.reduce(0) { $0 + $1.count } == count)
                    #expect(maximal.count <= MessageLimits.maximumNodes)
                }
            }
            #expect(MicrobatchRange(first: 0, count: total).maximalNodes(of: total).count == 1)
        }
    }

    @Test(arguments: 1...70) func anyShardingInAnyOrderGivesTheBitsOfTheRecursion(total: Int) {
        var random = SplitMix64(seed: UInt64(total))
        let pool = BufferPool(count: 11)
        var tree = ReductionTree(microbatches: 1, pool: pool)
        for round in 0..<8 {
            tree.reset(microbatches: total)
            var parts = randomShards(total, &random).flatMap { $0.maximalNodes(of: total) }
            parts.shuffle(using: &random)
            for (index, node) in parts.enumerated() {
                let insertion = tree.insert(accumulated(node, pool), at: node)
                #expect(insertion == (index == parts.count - 1 ? .completed : .stored), "seed \(total), round \(round)")
            }
            let root = tree.takeRoot()
            #expect(root.map(Bits.init) == naive(MicrobatchRange(first: 0, count: total)))
            if let root { pool.recycle(root.gradient) }
        }
    }

    @Test func refusesWhatIsNoNodeOrIsCoveredAndStaysIntact() {
        let pool = BufferPool(count: 11)
        var tree = ReductionTree(microbatches: 6, pool: pool)
        func insert(_ first: Int, _ count: Int) -> ReductionTree.Insertion {
            let node = MicrobatchRange(first: first, count: count)
            return tree.insert(accumulated(node, pool), at: node)
        }
        #expect(insert(1, 2) == .notANode)
        #expect(insert(0, 5) == .notANode)
        #expect(insert(0, 7) == .notANode)
        #expect(insert(8, 1) == .notANode)
        #expect(insert(2, 1) == .stored)
        #expect(insert(2, 1) == .alreadyCovered)
        #expect(insert(2, 2) == .alreadyCovered)
        #expect(insert(0, 6) == .alreadyCovered)
        #expect(insert(3, 1) == .stored)
        #expect(insert(3, 1) == .alreadyCovered)
        #expect(insert(4, 2) == .stored)
        #expect(insert(5, 1) == .alreadyCovered)
        #expect(!tree.isComplete && tree.takeRoot() == nil)
        #expect(insert(0, 2) == .completed)
        #expect(insert(0, 2) == .alreadyCovered)
        #expect(tree.takeRoot().map(Bits.init) == naive(MicrobatchRange(first: 0, count: 6)))
    }

    @Test func aSteadyStateAllocatesNothing() {
        let pool = BufferPool(count: 11)
        var tree = ReductionTree(microbatches: 64, pool: pool)
        var madeAfterFirst = 0
        for step in 0..<5 {
            tree.reset(microbatches: 64)
            for leaf in 0..<64 {
                let node = MicrobatchRange(first: leaf, count: 1)
                _ = tree.insert(accumulated(node, pool), at: node)
            }
            if let root = tree.takeRoot() { pool.recycle(root.gradient) }
            if step == 0 { madeAfterFirst = pool.made }
        }
        #expect(pool.made == madeAfterFirst)
        #expect(pool.made <= 8, "64 microbatches in order need log₂(64) + 1 buffers and one in hand")
    }

    @Test func bufferAddsEveryElementOnceAtAnySize() {
        for count in [1, 7, 8, 9, 15, 16, 17, 1000] {
            let (left, right) = (GradientBuffer(count: count), GradientBuffer(count: count))
            for index in 0..<count {
                left.values[index] = Float(index)
                right.values[index] = 0.5
            }
            let before = left.fingerprint
            left.add(right)
            #expect(left.values.enumerated().allSatisfy { $1 == Float($0) + 0.5 })
            #expect(left.fingerprint != before && left.bytes.count == 4 * count)
        }
    }

    // MARK: The naive twin

    private struct Bits: Equatable {
        var gradient: [UInt32]
        var loss: UInt64
        var counts: [UInt32]

        init(_ partial: Partial) {
            gradient = partial.gradient.values.map(\.bitPattern)
            loss = partial.lossSum.bitPattern
            counts = [partial.exampleCount, partial.activeCount]
        }

        init(leaf: Int) {
            var random = SplitMix64(seed: UInt64(leaf) &* 77)
            func float() -> Float { Float(Int64(bitPattern: random.next()) >> 24) * Float(1 << random.within(0...20)) }
            gradient = (0..<11).map { _ in float().bitPattern }
            loss = Double(float()).bitPattern
            counts = [UInt32(leaf % 3 + 1), UInt32(leaf % 2)]
        }

        static func + (left: Bits, right: Bits) -> Bits {
            var sum = left
            sum.gradient = zip(left.gradient, right.gradient).map {
                (Float(bitPattern: $0) + Float(bitPattern: $1)).bitPattern
            }
            sum.loss = (Double(bitPattern: left.loss) + Double(bitPattern: right.loss)).bitPattern
            sum.counts = zip(left.counts, right.counts).map { $0 + $1 }
            return sum
        }
    }

    private func naive(_ node: MicrobatchRange) -> Bits {
        guard node.count > 1 else { return Bits(leaf: node.first) }
        var power = 1
        while 2 * power < node.count { power *= 2 }
        let right = MicrobatchRange(first: node.first + power, count: node.count - power)
        return naive(MicrobatchRange(first: node.first, count: power)) + naive(right)
    }

    private func accumulated(_ node: MicrobatchRange, _ pool: BufferPool) -> Partial {
        var accumulator = SubtreeAccumulator(node: node, pool: pool)
        for leaf in node.first..<node.end {
            let (gradient, bits) = (pool.take(), Bits(leaf: leaf))
            for (index, pattern) in bits.gradient.enumerated() { gradient.values[index] = Float(bitPattern: pattern) }
            accumulator.add(
                Partial(
                    gradient: gradient, lossSum: Double(bitPattern: bits.loss), exampleCount: bits.counts[0],
                    activeCount: bits.counts[1]))
        }
        return accumulator.finish()
    }

    private func nodes(of total: Int) -> [MicrobatchRange] {
        func under(_ node: MicrobatchRange) -> [MicrobatchRange] {
            [node] + (node.children.map { under($0.left) + under($0.right) } ?? [])
        }
        return under(MicrobatchRange(first: 0, count: total))
    }

    private func randomShards(_ total: Int, _ random: inout SplitMix64) -> [MicrobatchRange] {
        var (shards, start): ([MicrobatchRange], Int) = ([], 0)
        while start < total {
            let count = random.within(1...total - start)
            shards.append(MicrobatchRange(first: start, count: count))
            start += count
        }
        return shards
    }
}
