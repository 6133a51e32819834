// From latent vectors to their distances, and from the slopes of the distances back to the gradient of the vectors.
internal import Kernels

/// The latent vectors of a batch, by dimension: [dimension][row], rows padded with zeros to whole vectors of lanes.
struct LatentColumns {
    let count: Int
    let dimensions: Int
    /// Vectors of lanes in a column.
    let vectors: Int
    private let start: UnsafeMutablePointer<Lanes>

    init(_ start: UnsafeMutablePointer<Lanes>, count: Int, dimensions: Int) {
        self.start = start
        self.count = count
        self.dimensions = dimensions
        vectors = (count + laneCount - 1) / laneCount
    }

    @inline(__always)
    func column(_ dimension: Int) -> UnsafeMutablePointer<Lanes> { start + dimension * vectors }

    @inline(__always)
    subscript(row: Int, dimension: Int) -> Float {
        get { UnsafeMutableRawPointer(column(dimension)).assumingMemoryBound(to: Float.self)[row] }
        nonmutating set {
            UnsafeMutableRawPointer(column(dimension)).assumingMemoryBound(to: Float.self)[row] = newValue
        }
    }

    /// Takes vectors of [row][dimension].
    func load(_ latents: UnsafePointer<Float>) {
        for dimension in 0..<dimensions {
            column(dimension)[vectors - 1] = .zero
            for row in 0..<count { self[row, dimension] = latents[row * dimensions + dimension] }
        }
    }

    /// ‖z‖₂ of every row.
    func lengths(into lengths: UnsafeMutablePointer<Float>) {
        for row in 0..<count {
            var square: Float = 0
            for dimension in 0..<dimensions {
                square = square.addingProduct(self[row, dimension], self[row, dimension])
            }
            lengths[row] = square.squareRoot()
        }
    }

    /// Divides every row by its length; one of length zero stays.
    func normalize(by lengths: UnsafePointer<Float>) {
        for row in 0..<count where lengths[row] > 0 {
            for dimension in 0..<dimensions { self[row, dimension] /= lengths[row] }
        }
    }
}

extension LatentDistance {
    /// The distance of these rows from every row.
    func fill(_ distances: PairMatrix, of z: LatentColumns, rows: Range<Int>) {
        for row in rows {
            let out = distances.row(row)
            for index in 0..<z.vectors {
                var sum = Lanes.zero
                for dimension in 0..<z.dimensions {
                    let own = Lanes(repeating: z[row, dimension])
                    let other = z.column(dimension)[index]
                    if self == .cosine {
                        sum = sum.addingProduct(own, other)
                    } else {
                        let difference = own - other
                        sum = sum.addingProduct(difference, difference)
                    }
                }
                out[index] = distance(of: sum)
            }
            distances.floats(row)[row] = 0
            for padding in z.count..<z.vectors * laneCount { distances.floats(row)[padding] = .infinity }
        }
    }

    @inline(__always)
    private func distance(of sum: Lanes) -> Lanes {
        switch self {
        case .euclidean: return squareRoots(of: sum)
        case .squared: return sum
        case .cosine:
            // Rounding may leave it a little below zero.
            let distance = 1 - sum
            return distance.replacing(with: Lanes.zero, where: distance .< Lanes.zero)
        }
    }

    /// dL/dz of some rows, the first of them a multiple of eight, into `gradient` ([row][dimension]), from dL/d distance: the sum of
    /// `slopes` and their transpose. The gradient of a euclidean distance of 0 is 0.
    func gradient(
        of slopes: PairMatrix, distances: PairMatrix, at z: LatentColumns, rows: Range<Int>,
        into gradient: UnsafeMutablePointer<Float>
    ) {
        withUnsafeTemporaryAllocation(of: Lanes.self, capacity: laneCount * z.vectors) { memory in
            guard let eight = memory.baseAddress else { return }
            for first in stride(from: rows.lowerBound, to: rows.upperBound, by: laneCount) {
                addTransposed(slopes.row(0), rowVectors: z.vectors, group: first / laneCount, into: eight)
                for row in first..<min(first + laneCount, rows.upperBound) {
                    self.gradient(
                        of: eight + (row - first) * z.vectors, distances: distances.row(row), at: z, row: row,
                        into: gradient + row * z.dimensions)
                }
            }
        }
    }

    /// - Parameter slope: of this row's distances, [column]; overwritten
    private func gradient(
        of slope: UnsafeMutablePointer<Lanes>, distances: UnsafePointer<Lanes>, at z: LatentColumns, row: Int,
        into gradient: UnsafeMutablePointer<Float>
    ) {
        for index in 0..<z.vectors where self == .euclidean {
            let isPositive = distances[index] .> Lanes.zero
            let divisor = Lanes(repeating: 1).replacing(with: distances[index], where: isPositive)
            slope[index] = Lanes.zero.replacing(with: slope[index] / divisor, where: isPositive)
        }
        for dimension in 0..<z.dimensions {
            let (own, column) = (Lanes(repeating: z[row, dimension]), z.column(dimension))
            var sum = Lanes.zero
            for index in 0..<z.vectors {
                sum = sum.addingProduct(slope[index], self == .cosine ? column[index] : own - column[index])
            }
            let total = horizontalSum(sum)
            gradient[dimension] =
                switch self {
                case .euclidean: total
                case .squared: 2 * total
                case .cosine: -total
                }
        }
    }
}
