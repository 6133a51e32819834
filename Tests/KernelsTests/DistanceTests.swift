// The distance kernel against its naive twin, bit for bit, over odd and even sizes.
import Kernels
import Testing

@Suite struct DistanceTests {
    @Test(arguments: [1, 2, 3, 16, 129, 3000])
    func distancesAgree(dimensions: Int) {
        for (queries, blocks) in [(0, 1), (1, 1), (3, 2), (4, 3), (5, 7), (9, 4)] {
            let seed = UInt64(dimensions * 100 + queries)
            let a = Tensor(queries * dimensions, seed: seed)
            let b = Tensor(blocks * dimensions * 8, seed: seed + 1)
            let fast = Tensor(queries * blocks * 8)
            let naive = Tensor(queries * blocks * 8)
            squaredDistances(
                dimensions: dimensions, queries: a.scalars, queryCount: queries, references: b.lanes, blocks: blocks,
                into: fast.lanes, stride: blocks)
            naiveSquaredDistances(
                dimensions: dimensions, queries: a.scalars, queryCount: queries, references: b.scalars, blocks: blocks,
                into: naive.scalars)
            #expect(fast.bits == naive.bits, "seed \(seed)")
        }
    }
}
