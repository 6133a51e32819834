// The two directions of largest variance of a set of vectors (Pearson 1901), through the covariance matrix and Jacobi's
// eigenvalue method (Golub & Van Loan, Matrix Computations, §8.5). In Double, one order of operations; for pictures only.
package import ModelCore

/// A plane through the mean, spanned by the two leading principal components.
package struct PrincipalComponents: Sendable {
    package let mean: [Double]
    /// Two orthogonal unit vectors. The largest entry of each is positive, so that a redrawn picture is not mirrored.
    package let axes: [[Double]]
    /// Share of the total variance along the two axes, 0...1.
    package let explainedVariance: Double

    /// From the finite vectors of `points`, which has at least two dimensions.
    package init(of points: Embeddings) {
        let dimensions = points.dimensions
        let rows = (0..<points.count).filter { points[$0].allSatisfy(\.isFinite) }
        let mean = Self.mean(of: points, rows)
        let (values, vectors) = Self.eigen(Self.covariance(of: points, rows, mean), dimensions)
        let order = values.indices.sorted { (values[$1], $0) < (values[$0], $1) }
        let total = values.reduce(0, +)
        self.mean = mean
        explainedVariance = total > 0 ? (values[order[0]] + values[order[1]]) / total : 1
        axes = order.prefix(2).map { column in
            let axis = (0..<dimensions).map { vectors[$0 * dimensions + column] }
            let largest = axis.max { abs($0) < abs($1) } ?? 0
            return largest < 0 ? axis.map { -$0 } : axis
        }
    }

    /// Coordinates in the plane.
    package func project(_ vector: ArraySlice<Float>) -> SIMD2<Double> {
        var result = SIMD2<Double>()
        for (index, value) in vector.enumerated() {
            let centred = Double(value) - mean[index]
            result += SIMD2(axes[0][index], axes[1][index]) * centred
        }
        return result
    }

    private static func mean(of points: Embeddings, _ rows: [Int]) -> [Double] {
        var mean = [Double](repeating: 0, count: points.dimensions)
        for row in rows {
            for (index, value) in points[row].enumerated() { mean[index] += Double(value) }
        }
        return mean.map { $0 / Double(max(rows.count, 1)) }
    }

    /// dimensions × dimensions, row-major.
    private static func covariance(of points: Embeddings, _ rows: [Int], _ mean: [Double]) -> [Double] {
        let n = points.dimensions
        var matrix = [Double](repeating: 0, count: n * n)
        for row in rows {
            let centred = zip(points[row], mean).map { Double($0) - $1 }
            for i in 0..<n {
                for j in 0...i { matrix[i * n + j] += centred[i] * centred[j] }
            }
        }
        for i in 0..<n {
            for j in 0...i {
                matrix[i * n + j] /= Double(max(rows.count, 1))
                matrix[j * n + i] = matrix[i * n + j]
            }
        }
        return matrix
    }

    /// Eigenvalues and eigenvectors (columns) of a symmetric matrix by cyclic Jacobi rotations.
    private static func eigen(_ matrix: [Double], _ n: Int) -> (values: [Double], vectors: [Double]) {
        var a = matrix
        var v = (0..<n * n).map { $0 / n == $0 % n ? 1.0 : 0 }
        // Convergence is quadratic; a well-posed matrix needs fewer than ten sweeps.
        for _ in 0..<50 {
            var off = 0.0
            var scale = 0.0
            for i in 0..<n {
                scale += abs(a[i * n + i])
                for j in 0..<i { off += abs(a[i * n + j]) }
            }
            if off <= scale * 1e-15 { break }
            for p in 0..<n {
                for q in p + 1..<max(n, p + 1) where a[p * n + q] != 0 { rotate(&a, &v, p, q, n) }
            }
        }
        return ((0..<n).map { a[$0 * n + $0] }, v)
    }

    /// Makes `a[p, q]` zero by a rotation in the plane of `p` and `q`.
    private static func rotate(_ a: inout [Double], _ v: inout [Double], _ p: Int, _ q: Int, _ n: Int) {
        let theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q])
        let t = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
        let c = 1 / (t * t + 1).squareRoot()
        let s = t * c
        for k in 0..<n {
            (a[k * n + p], a[k * n + q]) = (c * a[k * n + p] - s * a[k * n + q], s * a[k * n + p] + c * a[k * n + q])
        }
        for k in 0..<n {
            (a[p * n + k], a[q * n + k]) = (c * a[p * n + k] - s * a[q * n + k], s * a[p * n + k] + c * a[q * n + k])
            (v[k * n + p], v[k * n + q]) = (c * v[k * n + p] - s * v[k * n + q], s * v[k * n + p] + c * v[k * n + q])
        }
    }
}
