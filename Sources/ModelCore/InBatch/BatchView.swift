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
    package func floats(_ index: Int) -> UnsafeMutablePointer<Float> {
        UnsafeMutableRawPointer(row(index)).assumingMemoryBound(to: Float.self)
    }
}

/// Runs `body(task)` for every task in 0..<tasks, perhaps several at once; returns when all are done.
package typealias Concurrently = (_ tasks: Int, _ body: (_ task: Int) -> Void) -> Void

/// The rows of a batch in blocks that may be worked on at once. What comes out does not depend on it.
struct RowBlocks {
    private static let size = 64

    let count: Int
    let concurrently: Concurrently

    func forEach(_ body: (Range<Int>) -> Void) {
        let (count, size) = (count, Self.size)
        // For a few rows nobody need be woken.
        guard count >= 4 * size else { return body(0..<count) }
        concurrently((count + size - 1) / size) { block in
            body(block * size..<min((block + 1) * size, count))
        }
    }

    /// What `body` makes of each block, in the order of the rows.
    func map<Part>(_ body: (Range<Int>) -> Part) -> [Part] {
        var parts = [Part?](repeating: nil, count: (count + Self.size - 1) / Self.size)
        parts.withUnsafeMutableBufferPointer { parts in
            guard let parts = parts.baseAddress else { return }
            forEach { rows in (parts + rows.lowerBound / Self.size).pointee = body(rows) }
        }
        return parts.compactMap { $0 }
    }
}

/// A batch, embedded.
package struct BatchView {
    /// Latent vectors in the batch.
    package let count: Int
    /// [row][column]: symmetric, zero on the diagonal; padding is +∞.
    package let distances: PairMatrix
    /// Random numbers of this batch, for selectors that draw.
    package let draws: SelectionDraws
    private let classes: BatchClasses
    private let rowBlocks: RowBlocks

    init(
        count: Int, distances: PairMatrix, classes: BatchClasses, draws: SelectionDraws, rowBlocks: RowBlocks
    ) {
        self.rowBlocks = rowBlocks
        self.count = count
        self.distances = distances
        self.classes = classes
        self.draws = draws
    }

    /// Σ over the rows, added in their order: `body` gets some rows, and where their sums go, [row]. It may be called for several
    /// ranges at once, so it writes nothing but what belongs to its rows.
    package func sumOverRows(_ body: (Range<Int>, UnsafeMutablePointer<LossSums>) -> Void) -> LossSums {
        withUnsafeTemporaryAllocation(of: LossSums.self, capacity: count) { sums in
            guard let start = sums.baseAddress else { return LossSums() }
            start.initialize(repeating: LossSums(), count: count)
            rowBlocks.forEach { rows in body(rows, start) }
            return sums.reduce(into: LossSums()) { total, row in total.add(row) }
        }
    }

    /// What `body` makes of blocks of rows, perhaps of several at once, in the order of the rows. How many blocks there are says nothing.
    func map<Part>(_ body: (Range<Int>) -> Part) -> [Part] { rowBlocks.map(body) }

    /// The rows of the class of `row`, itself among them, ascending.
    @inline(__always)
    package func members(of row: Int) -> UnsafeBufferPointer<Int32> { classes.members(of: row) }

    /// How many rows are of other classes than `row`.
    package func strangerCount(of row: Int) -> Int { count - members(of: row).count }

    /// The k-th of those rows, 0 ≤ k < `strangerCount`.
    func stranger(_ k: Int, of row: Int) -> Int {
        let members = members(of: row)
        // Before member number t there are members[t] − t strangers.
        var (low, high) = (0, members.count)
        while low < high {
            let middle = (low + high) / 2
            if Int(members[middle]) - middle > k { high = middle } else { low = middle + 1 }
        }
        return k + low
    }

    /// The distances of `anchor` from all that are not of its class, +∞ elsewhere, into `negatives` ([column], padded).
    func fillNegatives(of anchor: Int, into negatives: UnsafeMutablePointer<Lanes>) {
        negatives.update(from: distances.row(anchor), count: distances.rowVectors)
        let floats = UnsafeMutableRawPointer(negatives).assumingMemoryBound(to: Float.self)
        for column in members(of: anchor) { floats[Int(column)] = .infinity }
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

    /// Numbers 2·pair and 2·pair + 1 of the vector in this row, for `integer(of:which:below:)`: one is no cheaper than two.
    func words(row: Int, pair: Int) -> SIMD4<UInt32> { stream.words(at: firstPosition &+ row, pair: pair) }

    /// The `draw`-th random number in `0..<bound` of the vector in this row.
    package func integer(row: Int, draw: Int, below bound: Int) -> Int {
        stream.integer(at: firstPosition &+ row, draw: draw, below: bound)
    }
}
