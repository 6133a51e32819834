// k-means, to see whether the classes are where the latent vectors lie in heaps. How well heaps and classes agree is measured
// in ClusterAgreement.swift.
internal import Kernels
package import ModelCore

/// What k-means came to.
package struct Clustering: Equatable, Sendable {
    /// Cluster of each vector.
    package let assignments: [Int]
    /// [cluster][dimension]
    package let centres: [Float]
    /// Sum of the squared distances to the own centres.
    package let inertia: Double
    /// Rounds of the best start.
    package let rounds: Int
}

/// Lloyd's algorithm ("Least squares quantization in PCM", 1982) from first centres by k-means++ (Arthur & Vassilvitskii 2007);
/// of several starts the one with the least inertia, of equals the first.
///
/// A vector between two centres goes to the lower cluster; a cluster that nobody belongs to moves to the vector that is
/// furthest from its centre. The result is a function of vectors and seed, not of the number of threads.
/// - Parameters:
///   - clusters: at most as many as there are vectors
///   - roundLimit: rounds of a start, if it has not settled by then
package func kMeans(
    _ embeddings: Embeddings, clusters: Int, seed: UInt64, starts: Int = 10, roundLimit: Int = 100, threads: Int
) -> Clustering {
    precondition((1...max(embeddings.count, 1)).contains(clusters), "\(clusters) clusters")
    let lloyd = Lloyd(embeddings, clusters: clusters, threads: threads)
    var best: Clustering?
    for start in 0..<max(starts, 1) {
        let found = lloyd.run(RandomStream(seed: seed, name: .clustering, epoch: start), roundLimit: roundLimit)
        if best.map({ found.inertia < $0.inertia }) ?? true { best = found }
    }
    return best ?? Clustering(assignments: [], centres: [], inertia: 0, rounds: 0)
}

private final class Lloyd {
    private let embeddings: Embeddings
    private let panels: VectorPanels
    private let clusters: Int
    private let threads: Int
    private var dimensions: Int { embeddings.dimensions }
    /// Squared distance of each vector to its centre.
    private var squares: [Float]
    private var assignments: [Int]

    /// Vectors of a task; whole blocks.
    private static let taskSize = 1024

    init(_ embeddings: Embeddings, clusters: Int, threads: Int) {
        self.embeddings = embeddings
        panels = VectorPanels(embeddings)
        self.clusters = clusters
        self.threads = threads
        squares = Array(repeating: 0, count: embeddings.count)
        assignments = Array(repeating: 0, count: embeddings.count)
    }

    func run(_ stream: RandomStream, roundLimit: Int) -> Clustering {
        var centres = firstCentres(stream)
        var rounds = 0
        assign(centres)
        while rounds < roundLimit {
            rounds += 1
            let before = assignments
            centres = means(fallingBackTo: centres)
            assign(centres)
            if assignments == before { break }
        }
        return Clustering(
            assignments: assignments, centres: centres, inertia: squares.reduce(0.0) { $0 + Double($1) },
            rounds: rounds)
    }

    /// The first at random, each further one with a chance in proportion to its squared distance from those before.
    private func firstCentres(_ stream: RandomStream) -> [Float] {
        var chosen = stream.integer(at: 0, below: embeddings.count)
        var centres = Array(embeddings[chosen])
        var nearest = [Float](repeating: .infinity, count: embeddings.count)
        for position in 1..<max(clusters, 1) {
            distances(to: Array(embeddings[chosen])) { vector, square in
                if square[0] < nearest[vector] { nearest[vector] = square[0] }
            }
            let total = nearest.reduce(0.0) { $0 + ($1.isFinite ? Double($1) : 0) }
            let share = Double(stream.bits64(at: position) >> 11) * 0x1p-53 * total
            chosen = total > 0 ? place(of: share, in: nearest) : stream.integer(at: position, below: embeddings.count)
            centres += embeddings[chosen]
        }
        return centres
    }

    /// The first vector at which the running sum exceeds `share`.
    private func place(of share: Double, in weights: [Float]) -> Int {
        var sum = 0.0
        var last = 0
        for (index, weight) in weights.enumerated() where weight.isFinite && weight > 0 {
            sum += Double(weight)
            last = index
            if sum > share { return index }
        }
        return last
    }

    private func assign(_ centres: [Float]) {
        distances(to: centres) { [self] vector, square in
            var best = 0
            for cluster in 1..<clusters where square[cluster] < square[best] { best = cluster }
            assignments[vector] = best
            squares[vector] = square[best]
        }
    }

    /// Calls `body(vector, squared distances to the points)` for all vectors in order.
    private func distances(to points: [Float], _ body: (Int, [Float]) -> Void) {
        let count = points.count / dimensions
        let length = panels.blocks * laneCount
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count * length * 4, 32), alignment: 64)
        defer { memory.deallocate() }
        guard let start = memory.baseAddress else { return }
        let rows = start.assumingMemoryBound(to: Lanes.self)
        let blocksPerTask = Self.taskSize / laneCount
        points.withUnsafeBufferPointer { points in
            guard let points = points.baseAddress else { return }
            forEachTask((panels.blocks + blocksPerTask - 1) / blocksPerTask, threads: threads) { task, _ in
                let first = task * blocksPerTask
                squaredDistances(
                    dimensions: dimensions, queries: points, queryCount: count,
                    references: panels.lanes + first * dimensions, blocks: min(blocksPerTask, panels.blocks - first),
                    into: rows + first, stride: panels.blocks)
            }
        }
        let scalars = start.assumingMemoryBound(to: Float.self)
        var square = [Float](repeating: 0, count: count)
        for vector in 0..<embeddings.count {
            for point in 0..<count { square[point] = scalars[point * length + vector] }
            body(vector, square)
        }
    }

    /// The mean of each cluster, added up in the order of the vectors.
    private func means(fallingBackTo centres: [Float]) -> [Float] {
        var sums = [Double](repeating: 0, count: clusters * dimensions)
        var sizes = [Int](repeating: 0, count: clusters)
        for vector in 0..<embeddings.count {
            let cluster = assignments[vector]
            sizes[cluster] += 1
            for k in 0..<dimensions {
                sums[cluster * dimensions + k] += Double(embeddings.values[vector * dimensions + k])
            }
        }
        var means = centres
        var furthest = sizes.contains(0) ? embeddings.labels.indices.sorted { squares[$0] > squares[$1] }[...] : []
        for cluster in 0..<clusters {
            if sizes[cluster] > 0 {
                for k in 0..<dimensions {
                    means[cluster * dimensions + k] = Float(sums[cluster * dimensions + k] / Double(sizes[cluster]))
                }
            } else if let vector = furthest.popFirst() {
                means.replaceSubrange(cluster * dimensions..<(cluster + 1) * dimensions, with: embeddings[vector])
            }
        }
        return means
    }
}
