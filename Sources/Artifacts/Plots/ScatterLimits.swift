// The part of the plane that a scatter shows, and its ticks. Every point is inside: nothing is cut off as an outlier, because
// an outlier of an embedding is a finding.

struct ScatterLimits: Equatable, Sendable {
    /// The smallest and largest coordinates of some points.
    struct Extent: Equatable, Sendable {
        var low: SIMD2<Double>
        var high: SIMD2<Double>

        static let none = Extent(low: .init(repeating: .infinity), high: .init(repeating: -.infinity))

        func union(_ other: Extent) -> Extent {
            Extent(low: pointwiseMin(low, other.low), high: pointwiseMax(high, other.high))
        }
    }

    let x: ClosedRange<Double>
    let y: ClosedRange<Double>
    let xTicks: Ticks
    let yTicks: Ticks

    /// Share of the data's length left free at each end.
    private static let margin = 0.04
    private static let tickCount = 8

    /// Limits of a square drawing that hold `extent`. With an isometric view both axes have the same length and step; the
    /// points stand in the middle. Otherwise y is one row per class, from the top.
    init(holding extent: Extent, view: PlanarView, classCount: Int) {
        let x = Self.range(extent.low.x, extent.high.x)
        let y = Self.range(extent.low.y, extent.high.y)
        guard view.isIsometric else {
            self.x = x
            self.y = -Double(classCount) + 0.5...0.5
            xTicks = Ticks(in: self.x, atMost: Self.tickCount)
            yTicks = Ticks(in: self.y, atMost: Self.tickCount)
            return
        }
        let length = max(x.upperBound - x.lowerBound, y.upperBound - y.lowerBound)
        self.x = Self.widened(x, to: length)
        self.y = Self.widened(y, to: length)
        let ticks = (Ticks(in: self.x, atMost: Self.tickCount), Ticks(in: self.y, atMost: Self.tickCount))
        // One step for both axes: the grid is made of squares.
        let isXCoarser = ticks.0.step > ticks.1.step
        xTicks = isXCoarser ? ticks.0 : ticks.1.covering(self.x)
        yTicks = isXCoarser ? ticks.0.covering(self.y) : ticks.1
    }

    /// With a margin; around a single value as far as half its distance from zero; −1...1 without any.
    private static func range(_ low: Double, _ high: Double) -> ClosedRange<Double> {
        guard low <= high else { return -1...1 }
        let magnitude = max(abs(low), abs(high))
        let length = high - low
        // A spread below this share of the magnitude is rounding noise of Float and has no readable ticks.
        guard length > magnitude * 1e-5 else {
            let reach = magnitude > 0 ? magnitude / 2 : 1
            return low - reach...high + reach
        }
        return low - length * margin...high + length * margin
    }

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
