// The part of the plane that a scatter shows, and its ticks. Every point is inside: nothing is cut off as an outlier, because
// an outlier of an embedding is a finding.

struct ScatterLimits: Equatable, Sendable {
    /// The smallest and largest coordinates of some points.
    struct Extent: Equatable, Sendable {
        var low: SIMD2<Double>
        var high: SIMD2<Double>

        /// Whether all points lie in one place.
        var isSingle: Bool { low == high }

        static let none = Extent(low: .init(repeating: .infinity), high: .init(repeating: -.infinity))

        func union(_ other: Extent) -> Extent {
            Extent(low: pointwiseMin(low, other.low), high: pointwiseMax(high, other.high))
        }
    }

    let x: ClosedRange<Double>
    let y: ClosedRange<Double>
    let xTicks: Ticks
    let yTicks: Ticks

    /// Where a point of the plane is drawn when the limits are the edges of `box`.
    func position(_ place: SIMD2<Double>, in box: Box) -> Point {
        let across = (place.x - x.lowerBound) / (x.upperBound - x.lowerBound)
        let up = (place.y - y.lowerBound) / (y.upperBound - y.lowerBound)
        return Point(x: box.left + across * box.width, y: box.bottom - up * box.height)
    }

    /// The power of ten in which both axes are labelled, as their units are one.
    var commonExponent: Int {
        let exponents = [xTicks.commonExponent, yTicks.commonExponent]
        return exponents.max { abs($0) < abs($1) } ?? 0
    }

    /// Share of the data's length left free at each end.
    private static let margin = 0.04
    /// Points of paper that a tick has for itself.
    private static let tickRoom = 70.0

    /// Limits of a drawing of `width` × `height` points that hold `extent`. With an isometric view both axes have the same
    /// unit and step; the points stand in the middle. Otherwise y is one row per class, from the top.
    init(holding extent: Extent, view: PlanarView, classCount: Int, width: Double, height: Double) {
        let most = (x: max(3, Int(width / Self.tickRoom)), y: max(3, Int(height / Self.tickRoom)))
        guard view.isIsometric else {
            x = Self.range(extent.low.x, extent.high.x)
            y = -Double(classCount) + 0.5...0.5
            xTicks = Ticks(in: x, atMost: most.x)
            yTicks = Ticks(in: y, atMost: most.y)
            return
        }
        (x, y) = Self.ranges(extent, aspect: width / height)
        let ticks = (Ticks(in: x, atMost: most.x), Ticks(in: y, atMost: most.y))
        // One step for both axes: the grid is made of squares.
        let isXCoarser = ticks.0.step > ticks.1.step
        xTicks = isXCoarser ? ticks.0 : ticks.1.covering(x)
        yTicks = isXCoarser ? ticks.0.covering(y) : ticks.1
    }

    /// The range with a margin; around a single value as far as half its distance from zero; −1...1 without any.
    private static func range(_ low: Double, _ high: Double) -> ClosedRange<Double> {
        guard low <= high else { return -1...1 }
        let length = high - low
        guard length > negligible(low, high) else {
            let magnitude = max(abs(low), abs(high))
            let reach = magnitude > 0 ? magnitude / 2 : 1
            return low - reach...high + reach
        }
        return low - length * margin...high + length * margin
    }

    /// Two ranges whose lengths are as `aspect` to 1, the points in their middle. A length that is negligible on one axis takes that
    /// of the other: points on a line are shown at the line's scale.
    private static func ranges(
        _ extent: Extent, aspect: Double
    ) -> (x: ClosedRange<Double>, y: ClosedRange<Double>) {
        guard extent.low.x <= extent.high.x else { return (-aspect...aspect, -1...1) }
        let size = extent.high - extent.low
        let isFlat = (
            x: size.x <= negligible(extent.low.x, extent.high.x), y: size.y <= negligible(extent.low.y, extent.high.y)
        )
        let (x, y) = (range(extent.low.x, extent.high.x), range(extent.low.y, extent.high.y))
        let lengths = (x: x.upperBound - x.lowerBound, y: y.upperBound - y.lowerBound)
        let length =
            switch isFlat {
            case (true, false): max(lengths.y * aspect, negligible(extent.low.x, extent.high.x))
            case (false, true): max(lengths.x, negligible(extent.low.y, extent.high.y) * aspect)
            default: max(lengths.x, lengths.y * aspect)
            }
        return (widened(x, to: length), widened(y, to: length / aspect))
    }

    /// The spread that counts as none: its tick labels would need more digits than there is room for.
    private static func negligible(_ low: Double, _ high: Double) -> Double { max(abs(low), abs(high)) * 1e-3 }

    private static func widened(_ range: ClosedRange<Double>, to length: Double) -> ClosedRange<Double> {
        let middle = (range.lowerBound + range.upperBound) / 2
        return middle - length / 2...middle + length / 2
    }
}

extension ScatterLimits.Extent {
    init(of points: [PlanarView.Placed]) {
        self = points.reduce(.none) { $0.union(.init(low: $1.place, high: $1.place)) }
    }
}
