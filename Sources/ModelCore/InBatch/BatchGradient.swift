// The coordinator's half of a two-round step: the loss of a whole batch of latent vectors and its gradient with respect to them
// (docs/exactness.md, item 6). Rows on any number of threads, sums in a fixed order,
// whatever the workers did.
internal import Kernels

/// How the latent space fares, seen through one batch.
package struct LatentHealth: Equatable, Sendable {
    /// Pairs, triplets or anchors that the selector has chosen.
    package let tuples: Int
    /// Those of them that have a loss.
    package let active: Int
    /// Mean distance of two vectors of the same class; nil: there are none.
    package let positiveDistance: Double?
    /// The same of different classes.
    package let negativeDistance: Double?
    /// Mean length of the vectors, before any normalization.
    package let norm: Double
}

/// Computes losses of batches of one network of the in-batch family. Keeps its memory from step to step.
package final class BatchGradient {
    package let network: NetworkDescription
    private let loss: any BatchLoss
    private let concurrently: Concurrently
    /// Its gradient with respect to the latent vectors of the last batch, summed over the tuples: [row][dimension].
    package private(set) var latentGradient: [Float] = []
    private var memory = LaneMemory()
    private var batch: Batch?
    /// Of the last batch, before the reduction.
    private var selected = LossSums()

    /// What is known of the last batch.
    private struct Batch {
        let z: LatentColumns
        let distances: PairMatrix
        let slopes: PairMatrix
        let lengths: UnsafeMutablePointer<Float>
        let classes: BatchClasses
    }

    /// - Returns: nil if the network is none of the in-batch family
    ///
    /// - Parameter concurrently: how work on rows is shared out; what comes out does not depend on it
    package convenience init?(
        _ network: NetworkDescription,
        concurrently: @escaping Concurrently = { tasks, body in (0..<tasks).forEach(body) }
    ) {
        guard let loss = makeBatchLoss(network) else { return nil }
        self.init(network, loss: loss, concurrently: concurrently)
    }

    /// With a loss that the network's name does not say.
    package init(
        _ network: NetworkDescription, loss: any BatchLoss,
        concurrently: @escaping Concurrently = { tasks, body in (0..<tasks).forEach(body) }
    ) {
        self.concurrently = concurrently
        self.network = network
        self.loss = loss
    }

    /// The loss of a batch, summed over its tuples; `latentGradient` is its gradient. Not finite if a latent vector is not.
    ///
    /// - Parameters:
    ///   - latents: [row][dimension]
    ///   - labels: of each row
    package func evaluate(
        _ latents: UnsafePointer<Float>, labels: [Int32], draws: SelectionDraws
    ) -> LossSums {
        guard let batch = prepare(count: labels.count) else { return LossSums() }
        let (z, options) = (batch.z, network.inBatch)
        z.load(latents)
        z.lengths(into: batch.lengths)
        guard (0..<z.count).allSatisfy({ batch.lengths[$0].isFinite }) else {
            selected = LossSums(loss: .nan, examples: 1, active: 1)
            return selected
        }
        if options.usesUnitVectors { z.normalize(by: batch.lengths) }
        let rowBlocks = RowBlocks(count: z.count, concurrently: concurrently)
        rowBlocks.forEach { rows in
            options.distance.fill(batch.distances, of: z, rows: rows)
            batch.slopes.row(rows.lowerBound).update(repeating: .zero, count: rows.count * z.vectors)
        }
        batch.classes.group(labels)
        let view = BatchView(
            count: z.count, distances: batch.distances, classes: batch.classes, draws: draws, rowBlocks: rowBlocks)
        selected = loss.evaluate(view, slopes: batch.slopes)
        latentGradient.withUnsafeMutableBufferPointer { gradient in
            guard let gradient = gradient.baseAddress else { return }
            rowBlocks.forEach {
                options.distance.gradient(
                    of: batch.slopes, distances: batch.distances, at: z, rows: $0, into: gradient)
            }
            if options.usesUnitVectors { throughNormalization(gradient, z, batch.lengths) }
        }
        return loss.reduction.reduce(selected)
    }

    /// dL/dz = (g − (g·u)·u)/‖z‖ with u = z/‖z‖; zero where z is zero.
    private func throughNormalization(
        _ gradient: UnsafeMutablePointer<Float>, _ unit: LatentColumns, _ lengths: UnsafePointer<Float>
    ) {
        let d = unit.dimensions
        for row in 0..<unit.count {
            var along: Float = 0
            for k in 0..<d { along = along.addingProduct(gradient[row * d + k], unit[row, k]) }
            for k in 0..<d {
                let across = gradient[row * d + k].addingProduct(-along, unit[row, k])
                gradient[row * d + k] = lengths[row] > 0 ? across / lengths[row] : 0
            }
        }
    }

    /// How the latent space fares, by the last batch; nil: there was none, or it was empty.
    package func health() -> LatentHealth? {
        guard let batch else { return nil }
        let count = batch.z.count
        var sums: (all: Double, same: Double) = (0, 0)
        var same = 0
        for i in 0..<count {
            let row = batch.distances.floats(i)
            for j in i + 1..<max(count, i + 1) { sums.all += Double(row[j]) }
            for j in batch.classes.members(of: i) where j > i {
                sums.same += Double(row[Int(j)])
                same += 1
            }
        }
        let others = count * (count - 1) / 2 - same
        let lengths = (0..<count).reduce(0.0) { $0 + Double(batch.lengths[$1]) }
        return LatentHealth(
            tuples: selected.examples, active: selected.active,
            positiveDistance: same > 0 ? sums.same / Double(same) : nil,
            negativeDistance: others > 0 ? (sums.all - sums.same) / Double(others) : nil,
            norm: lengths / Double(count))
    }

    /// Makes room for a batch of `count` vectors, nil: none.
    private func prepare(count: Int) -> Batch? {
        let dimensions = network.latentDimensions
        if latentGradient.count != count * dimensions {
            latentGradient = [Float](repeating: 0, count: count * dimensions)
        }
        if let batch, batch.z.count == count { return batch }
        memory = LaneMemory()
        batch = nil
        guard count > 0 else { return nil }
        let vectors = (count + laneCount - 1) / laneCount
        let lengths = UnsafeMutableRawPointer(memory.vectors(vectors)).assumingMemoryBound(to: Float.self)
        batch = Batch(
            z: LatentColumns(memory.vectors(vectors * dimensions), count: count, dimensions: dimensions),
            distances: PairMatrix(memory.vectors(count * vectors), rowVectors: vectors),
            // The rows that fill it up to a square stay zero.
            slopes: PairMatrix(memory.vectors(vectors * laneCount * vectors), rowVectors: vectors), lengths: lengths,
            classes: BatchClasses(count: count))
        return batch
    }
}
