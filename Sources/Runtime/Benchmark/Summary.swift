// Repeats of one measurement, reduced to what is reported. Pure; knows nothing of what was measured.

/// Times of the repeats of one measurement, in seconds.
package struct Summary: Equatable, Sendable {
    package let median: Double
    /// The shortest.
    package let best: Double
    /// How far the repeats disagree: what the middle half of them spans, as a part of the median. Unlike the whole range it
    /// does not grow with the number of repeats, and one interrupted repeat does not show.
    package let spread: Double

    /// Nil for no times.
    package init?(_ times: [Double]) {
        let sorted = times.sorted()
        guard let first = sorted.first else { return nil }
        best = first
        median = Self.quantile(0.5, of: sorted)
        let span = Self.quantile(0.75, of: sorted) - Self.quantile(0.25, of: sorted)
        spread = median > 0 ? span / median : 0
    }

    /// Linear between the two nearest values.
    private static func quantile(_ part: Double, of sorted: [Double]) -> Double {
        let position = part * Double(sorted.count - 1)
        let below = Int(position)
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (position - Double(below)) * (sorted[above] - sorted[below])
    }
}
