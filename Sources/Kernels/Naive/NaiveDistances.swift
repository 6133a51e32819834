// Naive twin of the distance kernel. For tests only.

/// Twin of `squaredDistances`; rows of 8 × `blocks` scalars without a gap.
package func naiveSquaredDistances(
    dimensions: Int, queries: UnsafePointer<Float>, queryCount: Int, references: Scalars, blocks: Int,
    into distances: Scalars
) {
    for query in 0..<queryCount {
        for reference in 0..<blocks * 8 {
            let (block, lane) = reference.quotientAndRemainder(dividingBy: 8)
            var sum: Float = 0
            for k in 0..<dimensions {
                let difference =
                    queries[query * dimensions + k] - references[(block * dimensions + k) * 8 + lane]
                sum = sum.addingProduct(difference, difference)
            }
            distances[query * blocks * 8 + reference] = sum
        }
    }
}
