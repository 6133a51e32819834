// Squared Euclidean distances between many vectors: what neighbours, retrieval and clustering are made of. A lane is a vector
// that is compared with; no order of neighbours here.

/// Squared distances of `queryCount` vectors to 8 × `blocks` others.
///
/// Each is a chain of `fma(a − b, a − b, sum)` from zero over the dimensions in order: the same bits for any split of the work,
/// zero for equal vectors, and the same from a to b as from b to a. (|a|² + |b|² − 2ab would need one instruction less, and
/// have none of the three.)
/// - Parameters:
///   - queries: [query][dimension]
///   - references: [block][dimension][lane]
///   - distances: [query][block][lane], one query's row `stride` vectors after the one before
package func squaredDistances(
    dimensions: Int, queries: UnsafePointer<Float>, queryCount: Int, references: UnsafePointer<Lanes>, blocks: Int,
    into distances: UnsafeMutablePointer<Lanes>, stride: Int
) {
    // References that stay in the level-2 cache while all queries pass over them: 256 KiB.
    let chunk = max(8192 / max(dimensions, 1), 3)
    for first in Swift.stride(from: 0, to: blocks, by: chunk) {
        let count = min(chunk, blocks - first)
        let job = DistanceJob(
            dimensions: dimensions, queries: queries, references: references + first * dimensions, blocks: count,
            distances: distances + first, stride: stride)
        var query = 0
        while query + 4 <= queryCount {
            DistanceTile<4, 3>.row(job, query)
            query += 4
        }
        while query < queryCount {
            DistanceTile<1, 3>.row(job, query)
            query += 1
        }
    }
}

private struct DistanceJob {
    let dimensions: Int
    let queries: UnsafePointer<Float>
    let references: UnsafePointer<Lanes>
    let blocks: Int
    let distances: UnsafeMutablePointer<Lanes>
    let stride: Int
}

/// Register tile: `queries` × `width` vectors of sums.
private struct DistanceTile<let queries: Int, let width: Int> {
    /// All blocks for the queries from `query` on.
    @inline(always)
    static func row(_ job: DistanceJob, _ query: Int) {
        var block = 0
        while block + width <= job.blocks {
            run(job, query, block)
            block += width
        }
        while block < job.blocks {
            DistanceTile<queries, 1>.run(job, query, block)
            block += 1
        }
    }

    @inline(always)
    static func run(_ job: DistanceJob, _ query: Int, _ block: Int) {
        var sums = InlineArray<queries, InlineArray<width, Lanes>>(repeating: InlineArray(repeating: .zero))
        let a = job.queries + query * job.dimensions
        let b = job.references + block * job.dimensions
        for k in 0..<job.dimensions {
            for q in 0..<queries {
                let value = splat(a[q * job.dimensions + k])
                for w in 0..<width {
                    let difference = value - b[w * job.dimensions + k]
                    sums[q][w] = sums[q][w].addingProduct(difference, difference)
                }
            }
        }
        for q in 0..<queries {
            for w in 0..<width { job.distances[(query + q) * job.stride + block + w] = sums[q][w] }
        }
    }
}
