// How a step is cut into shards: contiguous ranges in proportion to measured speed. Decides sizes only; which bits come
// out does not depend on it (docs/exactness.md).

/// The cut of one step.
package enum ShardPlan {
    /// A boundary may move by this part of the smaller neighbouring shard to reach a rounder index, so a shard ends up
    /// within ten per cent of its fair size.
    static let snapTolerance = 0.05

    /// One range per entry of `speeds` (microbatches per second; nil: not measured yet, taken as the mean of the
    /// others), cut from `whole` in order and without gaps; nil for a worker that gets nothing because its fair part is too
    /// small.
    ///
    /// Boundaries are drawn to multiples of powers of two, because an aligned range has fewer tree nodes to send back.
    package static func ranges(of whole: MicrobatchRange, speeds: [Double?]) -> [MicrobatchRange?] {
        precondition(!speeds.isEmpty, "a plan needs workers")
        let shares = fairShares(of: whole.count, speeds)
        var ranges: [MicrobatchRange?] = []
        var (start, ideal) = (whole.first, Double(whole.first))
        for (index, share) in shares.enumerated() {
            ideal += share
            let isLast = index == shares.count - 1
            let tolerance = isLast ? 0 : snapTolerance * min(share, shares[index + 1])
            let end = isLast ? whole.end : min(whole.end, max(start, snapped(ideal, within: tolerance)))
            ranges.append(end > start ? MicrobatchRange(first: start, count: end - start) : nil)
            start = end
        }
        return ranges
    }

    /// The parts of `microbatches` in proportion to speed; they add up to it but for rounding.
    private static func fairShares(of microbatches: Int, _ speeds: [Double?]) -> [Double] {
        let measured = speeds.compactMap { $0 }.filter { $0 > 0 && $0.isFinite }
        let mean = measured.isEmpty ? 1 : measured.reduce(0, +) / Double(measured.count)
        let filled = speeds.map { speed in speed.flatMap { $0 > 0 && $0.isFinite ? $0 : nil } ?? mean }
        let total = filled.reduce(0, +)
        return filled.map { Double(microbatches) * $0 / total }
    }

    /// The roundest integer (multiple of the largest power of two) within `tolerance`, or at most one half, of `ideal`.
    private static func snapped(_ ideal: Double, within tolerance: Double) -> Int {
        let reach = max(tolerance, 0.5)
        var unit = 1.0
        while unit <= ideal + reach { unit *= 2 }
        while unit > 1 {
            let candidate = (ideal / unit).rounded() * unit
            if candidate > 0, abs(candidate - ideal) <= reach { return Int(candidate) }
            unit /= 2
        }
        return Int(ideal.rounded())
    }
}
