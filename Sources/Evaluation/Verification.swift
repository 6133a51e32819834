// Do two images show the same class? The pairs' distances against a threshold: ROC, area under it, equal error rate.
//
// A pair is positive when its classes are equal; it is accepted when its distance is at most the threshold (T. Fawcett, "An
// introduction to ROC analysis", 2006). Distances are known to a bin of `DistanceBins`, so all pairs of a bin count as tied, and
// how far that may move the area is told.
internal import ModelCore

/// The curve and what is read off it. Nil of `init` when there are no positive or no negative pairs.
package struct Verification: Equatable, Sendable {
    /// A threshold's shares: of the negative pairs accepted, and of the positive pairs accepted.
    package struct Point: Equatable, Sendable {
        package let falsePositiveRate: Double
        package let truePositiveRate: Double
    }

    package let positivePairs: UInt64
    package let negativePairs: UInt64
    /// From (0, 0) to (1, 1), a point per bin that has pairs.
    package let curve: [Point]
    /// The chance that a positive pair is nearer than a negative one, ties counted half.
    package let area: Double
    /// The area without the bins is within so much of `area`.
    package let areaUncertainty: Double
    /// Where as large a share of the negative pairs is accepted as of the positive pairs refused; between two bins it is
    /// interpolated.
    package let equalErrorRate: Double
    /// The distance at that place, to a bin.
    package let equalErrorThreshold: Float

    package init?(_ pairs: PairHistogram, distance: Distance) {
        positivePairs = pairs.same.reduce(0, +)
        negativePairs = pairs.different.reduce(0, +)
        guard positivePairs > 0, negativePairs > 0 else { return nil }
        let (positives, negatives) = (Double(positivePairs), Double(negativePairs))
        var curve = [Point(falsePositiveRate: 0, truePositiveRate: 0)]
        var (accepted, wronglyAccepted) = (0.0, 0.0)
        var (area, ties) = (0.0, 0.0)
        var equal: (rate: Double, threshold: Float)?
        for bin in 0..<pairs.bins.count where pairs.same[bin] + pairs.different[bin] > 0 {
            let (same, different) = (Double(pairs.same[bin]), Double(pairs.different[bin]))
            area += different * (accepted + same / 2)
            ties += different * same / 2
            accepted += same
            wronglyAccepted += different
            let point = Point(
                falsePositiveRate: wronglyAccepted / negatives, truePositiveRate: accepted / positives)
            if equal == nil, let last = curve.last, let rate = Self.crossing(last, point) {
                equal = (rate, distance.value(ofSquared: pairs.bins.upperEdge(bin)))
            }
            curve.append(point)
        }
        self.curve = curve
        self.area = area / positives / negatives
        areaUncertainty = ties / positives / negatives
        (equalErrorRate, equalErrorThreshold) = equal ?? (1, .infinity)
    }

    /// The false positive rate at which the line between two points meets 1 − true positive rate; nil if it does not yet.
    private static func crossing(_ a: Point, _ b: Point) -> Double? {
        let before = a.falsePositiveRate + a.truePositiveRate - 1
        let after = b.falsePositiveRate + b.truePositiveRate - 1
        guard before <= 0, after >= 0 else { return nil }
        let share = after > before ? -before / (after - before) : 0
        return a.falsePositiveRate + share * (b.falsePositiveRate - a.falsePositiveRate)
    }

    /// Share of the positive pairs accepted when at most this share of the negative ones is, interpolated.
    package func truePositiveRate(atFalsePositiveRate rate: Double) -> Double {
        guard let next = curve.firstIndex(where: { $0.falsePositiveRate > rate }), next > 0 else { return 1 }
        let (a, b) = (curve[next - 1], curve[next])
        let share = (rate - a.falsePositiveRate) / (b.falsePositiveRate - a.falsePositiveRate)
        return a.truePositiveRate + share * (b.truePositiveRate - a.truePositiveRate)
    }
}
