// What a miner and a loss see of a batch: the distances of all its latent vectors from each other, and their classes. And a
// square matrix whose rows are whole vectors of lanes, which both the distances and their slopes are.
internal import Kernels

/// A matrix of [row][column] floats; columns beyond the batch are padding up to whole vectors.
package struct PairMatrix {
    let rowVectors: Int
    private let start: UnsafeMutablePointer<Lanes>

    init(_ start: UnsafeMutablePointer<Lanes>, rowVectors: Int) {
        self.start = start
        self.rowVectors = rowVectors
    }

    /// The vectors of a row: columns 0…7, 8…15, …
    @inline(__always)
    func row(_ index: Int) -> UnsafeMutablePointer<Lanes> { start + index * rowVectors }

    /// The floats of a row.
    @inline(__always)
    func floats(_ index: Int) -> UnsafeMutablePointer<Float> {
        UnsafeMutableRawPointer(row(index)).assumingMemoryBound(to: Float.self)
    }
}

/// A batch, embedded.
package struct BatchView {
    /// Latent vectors in the batch.
    package let count: Int
    /// [row][column]: symmetric, zero on the diagonal; padding is +∞.
    package let distances: PairMatrix
    /// Which vectors belong together; at least `count`.
    package let labels: UnsafePointer<Int32>
    /// Random numbers of this batch, for selectors that draw.
    package let draws: SelectionDraws

    /// The distances of `anchor` from all that are not of its class, +∞ elsewhere, into `negatives` ([column], padded).
    func fillNegatives(of anchor: Int, into negatives: UnsafeMutablePointer<Float>) {
        let (row, label) = (distances.floats(anchor), labels[anchor])
        for column in 0..<count { negatives[column] = labels[column] == label ? .infinity : row[column] }
        for column in count..<distances.rowVectors * laneCount { negatives[column] = .infinity }
    }
}

/// Random integers of one batch: a pure function of the run's seed, the position of a vector, and which draw it is.
package struct SelectionDraws: Sendable {
    private let stream: RandomStream
    private let firstPosition: Int

    /// The draws of a training step's batch.
    package init(_ network: NetworkDescription, step: UInt64) {
        stream = RandomStream(seed: network.noise.seed, name: .tupleSelection)
        firstPosition = network.noise.position(step: step, example: 0) &* network.kind.towers
    }

    /// The draws of a batch of the validation set, which are the same after every epoch.
    ///
    /// - Parameter first: the number of its first vector
    package init(validating network: NetworkDescription, first: Int) {
        stream = RandomStream(seed: network.noise.seed, name: .tupleSelection, epoch: 1)
        firstPosition = first
    }

    /// The `draw`-th random number in `0..<bound` of the vector in this row.
    func integer(row: Int, draw: Int, below bound: Int) -> Int {
        stream.integer(at: firstPosition &+ row, draw: draw, below: bound)
    }
}
