// Every query against every reference, a block of rows at a time: the whole matrix of distances is never there. What is made of
// a query's ordered neighbours is in Retrieval.swift, of the counted pairs in Verification.swift.
internal import Kernels
package import ModelCore

/// Who is compared with whom.
package struct Comparison: Sendable {
    let queries: Embeddings
    let references: Embeddings
    /// Query i is reference i: it must not find itself.
    let isSameSet: Bool
    package let distance: Distance

    package init(queries: Embeddings, references: Embeddings, isSameSet: Bool, distance: Distance) {
        precondition(queries.dimensions == references.dimensions, "two latent spaces")
        precondition(!isSameSet || queries.labels == references.labels, "one set")
        self.queries = distance.prepared(queries)
        self.references = distance.prepared(references)
        self.isSameSet = isSameSet
        self.distance = distance
    }

    /// References that a query may find.
    package var available: Int { references.count - (isSameSet ? 1 : 0) }

    /// References of each class that a query of that class may find.
    func matches(of counts: [Int], _ label: UInt8) -> Int { counts[Int(label)] - (isSameSet ? 1 : 0) }
}

/// A neighbour: which reference, and the squared distance of the prepared vectors.
package struct Neighbour: Equatable, Sendable {
    package let index: Int
    package let square: Float

    package init(index: Int, square: Float) {
        self.index = index
        self.square = square
    }

    @inline(__always)
    init(_ entry: UInt64) {
        index = Int(truncatingIfNeeded: entry & 0xFFFF_FFFF)
        square = Float(bitPattern: UInt32(truncatingIfNeeded: entry &>> 32))
    }
}

/// Bytes of distances that a thread keeps at a time, about.
private let rowMemory = 8 << 20

/// Calls `body` for every query with its nearest references, at least `wanted(query)` of them in order (of equal distances the
/// lower index first), and counts all pairs.
///
/// `body` is called on several threads at once, never twice for a query; neighbours are key << 32 | index.
func forEachQuery(
    of comparison: Comparison, threads: Int, wanted: (_ query: Int) -> Int,
    _ body: (_ query: Int, _ neighbours: UnsafeBufferPointer<UInt64>) -> Void
) -> PairHistogram {
    let (queries, references) = (comparison.queries, comparison.references)
    let bins = DistanceBins(queries, references)
    let panels = VectorPanels(references)
    let rowLength = panels.blocks * laneCount
    // Fours fill the kernel's tiles.
    let batch = min(max(rowMemory / max(rowLength * 4, 1) / 4 * 4, 4), 32)
    let tasks = (queries.count + batch - 1) / batch
    let workers = max(min(threads, tasks), 1)
    let rows = (0..<workers).map { _ in RankedRow(bins: bins, references: references.count) }
    let memory = (0..<workers).map { _ in
        UnsafeMutableRawBufferPointer.allocate(byteCount: max(batch * rowLength * 4, 32), alignment: 64)
    }
    defer { memory.forEach { $0.deallocate() } }
    queries.values.withUnsafeBufferPointer { values in
        references.labels.withUnsafeBufferPointer { labels in
            guard let values = values.baseAddress, let labels = labels.baseAddress else { return }
            forEachTask(tasks, threads: workers) { task, thread in
                guard let distances = memory[thread].baseAddress else { return }
                let range = task * batch..<min((task + 1) * batch, queries.count)
                squaredDistances(
                    dimensions: queries.dimensions, queries: values + range.lowerBound * queries.dimensions,
                    queryCount: range.count, references: panels.lanes, blocks: panels.blocks,
                    into: distances.assumingMemoryBound(to: Lanes.self), stride: panels.blocks)
                for query in range {
                    let keys =
                        distances.assumingMemoryBound(to: UInt32.self)
                        + (query - range.lowerBound) * rowLength
                    if comparison.isSameSet { keys[query] = RankedRow.excluded }
                    let neighbours = rows[thread].nearest(
                        wanted(query), keys: keys, labels: labels, label: queries.labels[query],
                        hasExcluded: comparison.isSameSet)
                    body(query, neighbours)
                }
            }
        }
    }
    return rows.dropFirst().reduce(into: rows[0].histogram) { $0.add($1.histogram) }
}
