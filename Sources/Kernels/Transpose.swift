// Transposes of 8×8 floats, and what is made of them.

/// Transposes 8×8 floats by three perfect shuffles of the whole, each of which turns the bits of an index by one.
@inline(always)
func transposeEight(
    _ x: UnsafePointer<Lanes>, apart: Int = 1, to y: UnsafeMutablePointer<Lanes>, stride: Int
) {
    var rows = (
        x[0], x[apart], x[2 * apart], x[3 * apart], x[4 * apart], x[5 * apart], x[6 * apart], x[7 * apart]
    )
    for _ in 0..<3 {
        let (a, b) = (interleave(rows.0, rows.4), interleave(rows.1, rows.5))
        let (c, d) = (interleave(rows.2, rows.6), interleave(rows.3, rows.7))
        rows = (a.low, a.high, b.low, b.high, c.low, c.high, d.low, d.high)
    }
    y[0] = rows.0
    y[stride] = rows.1
    y[2 * stride] = rows.2
    y[3 * stride] = rows.3
    y[4 * stride] = rows.4
    y[5 * stride] = rows.5
    y[6 * stride] = rows.6
    y[7 * stride] = rows.7
}

/// a₀ b₀ a₁ b₁ … of the two.
@inline(always)
private func interleave(_ a: Lanes, _ b: Lanes) -> (low: Lanes, high: Lanes) {
    var (low, high) = (Lanes.zero, Lanes.zero)
    (low.evenHalf, low.oddHalf) = (a.lowHalf, b.lowHalf)
    (high.evenHalf, high.oddHalf) = (a.highHalf, b.highHalf)
    return (low, high)
}

/// Eight rows of m + mᵀ.
///
/// - Parameters:
///   - matrix: square, of 8·rowVectors rows: [row][rowVectors]
///   - group: rows 8·group to 8·group + 7
///   - sum: [row of the group][rowVectors]
package func addTransposed(
    _ matrix: UnsafePointer<Lanes>, rowVectors: Int, group: Int, into sum: UnsafeMutablePointer<Lanes>
) {
    for index in 0..<rowVectors {
        transposeEight(
            matrix + 8 * index * rowVectors + group, apart: rowVectors, to: sum + index, stride: rowVectors)
        for row in 0..<8 { sum[row * rowVectors + index] += matrix[(8 * group + row) * rowVectors + index] }
    }
}
