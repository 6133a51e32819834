// The nearest of many vectors for a few queries: exact, one pass over all of them.
internal import Kernels
package import ModelCore

/// The `count` nearest vectors of each query, nearest first; of equal distances the lower index first.
/// - Parameters:
///   - queries: prepared as the panels' vectors were (`Distance.prepared`)
///   - excluded: for each query a vector that it must not find, if there is one
package func nearest(
    _ count: Int, to queries: Embeddings, in panels: VectorPanels, excluded: [Int?]? = nil, threads: Int
) -> [[Neighbour]] {
    precondition(queries.dimensions == panels.dimensions, "two latent spaces")
    let wanted = min(count, panels.count)
    // Queries that pass over a chunk together, and the chunk: their distances stay in the level-2 cache.
    let (batch, chunk) = (8, 1024)
    let tasks = (panels.blocks + chunk - 1) / chunk
    let workers = max(min(threads, tasks), 1)
    let memory = (0..<workers).map { _ in
        UnsafeMutableRawBufferPointer.allocate(byteCount: batch * chunk * 32, alignment: 64)
    }
    defer { memory.forEach { $0.deallocate() } }
    var found: [[Neighbour]] = []
    for first in stride(from: 0, to: queries.count, by: batch) {
        let range = first..<min(first + batch, queries.count)
        // [task][query of the batch]
        var lists = [[[UInt64]]](repeating: [], count: tasks)
        queries.values.withUnsafeBufferPointer { values in
            lists.withUnsafeMutableBufferPointer { lists in
                guard let values = values.baseAddress else { return }
                forEachTask(tasks, threads: workers) { task, thread in
                    guard let distances = memory[thread].baseAddress else { return }
                    let blocks = task * chunk..<min((task + 1) * chunk, panels.blocks)
                    squaredDistances(
                        dimensions: queries.dimensions, queries: values + first * queries.dimensions,
                        queryCount: range.count, references: panels.lanes + blocks.lowerBound * panels.dimensions,
                        blocks: blocks.count, into: distances.assumingMemoryBound(to: Lanes.self), stride: chunk)
                    let vectors = blocks.lowerBound * laneCount..<min(blocks.upperBound * laneCount, panels.count)
                    lists[task] = range.map { query in
                        let keys =
                            distances.assumingMemoryBound(to: UInt32.self)
                            + (query - first) * chunk * laneCount
                        return leading(wanted, keys, vectors, excluded: excluded?[query])
                    }
                }
            }
        }
        for place in 0..<range.count {
            found.append(lists.flatMap { $0[place] }.sorted().prefix(wanted).map { Neighbour($0) })
        }
    }
    return found
}

/// The `wanted` smallest of key << 32 | index, ascending.
private func leading(
    _ wanted: Int, _ keys: UnsafePointer<UInt32>, _ vectors: Range<Int>, excluded: Int?
) -> [UInt64] {
    guard wanted > 0 else { return [] }
    var list: [UInt64] = []
    list.reserveCapacity(wanted + 1)
    var worst = UInt64.max
    for place in 0..<vectors.count {
        let index = vectors.lowerBound &+ place
        let entry = UInt64(keys[place]) << 32 | UInt64(UInt32(truncatingIfNeeded: index))
        // Seldom: most vectors are further than the worst of the list.
        guard entry < worst, index != excluded else { continue }
        var slot = list.count
        while slot > 0, list[slot - 1] > entry { slot -= 1 }
        list.insert(entry, at: slot)
        if list.count > wanted { list.removeLast() }
        if list.count == wanted { worst = list[wanted - 1] }
    }
    return list
}
