// The receiver operating characteristic of verification: true against false positive rate, with the equal error rate marked.

/// The curve as a PNG.
package struct ROCPlot: Sendable {
    private static let size = (width: 800, height: 760)
    private static let axes = Box(left: 92, top: 78, right: 752, bottom: 696)
    /// More points than pixels say nothing more.
    private static let leastDistance = 0.3

    private let title: String
    private let subtitle: String
    private let curve: [Point]
    private let equalErrorRate: Double

    /// - Parameters:
    ///   - subtitle: one line, such as the area
    ///   - curve: false and true positive rates, from (0, 0) to (1, 1)
    package init(
        title: String, subtitle: String, curve: [(falsePositiveRate: Double, truePositiveRate: Double)],
        equalErrorRate: Double
    ) {
        self.title = title
        self.subtitle = subtitle
        self.curve = curve.map { Point(x: $0.falsePositiveRate, y: $0.truePositiveRate) }
        self.equalErrorRate = equalErrorRate
    }

    private func position(_ x: Double, _ y: Double) -> Point {
        Point(x: Self.axes.left + x * Self.axes.width, y: Self.axes.bottom - y * Self.axes.height)
    }

    /// 1600 × 1520 pixels.
    package func png() throws(CanvasError) -> [UInt8] {
        let canvas = try Canvas(width: Self.size.width, height: Self.size.height, scale: PlotStyle.pngScale)
        drawAxes(on: canvas)
        canvas.stroke([position(0, 0), position(1, 1)], PlotStyle.frame, width: PlotStyle.frameWidth)
        canvas.stroke([position(0, 1), position(1, 0)], PlotStyle.grid, width: PlotStyle.frameWidth)
        canvas.stroke(thinned, Palette.classes[0], width: 2.2)
        let place = position(equalErrorRate, 1 - equalErrorRate)
        canvas.disc(place, radius: 4.5, PlotStyle.warning)
        canvas.write(
            RichText("equal error rate"), at: Point(x: place.x + 10, y: place.y + 16), size: PlotStyle.legendSize,
            PlotStyle.warning)
        return try canvas.png()
    }

    /// The curve's places, without those that lie on top of the one before.
    private var thinned: [Point] {
        var places: [Point] = []
        for (index, point) in curve.enumerated() {
            let place = position(point.x, point.y)
            if let last = places.last, index < curve.count - 1 {
                let (x, y) = (place.x - last.x, place.y - last.y)
                if x * x + y * y < Self.leastDistance * Self.leastDistance { continue }
            }
            places.append(place)
        }
        return places
    }

    private func drawAxes(on canvas: Canvas) {
        let axes = Self.axes
        let ticks = Ticks(in: 0...1, atMost: 11)
        for (value, label) in zip(ticks.values, ticks.labels(commonExponent: 0)) {
            let (x, y) = (position(value, 0).x, position(0, value).y)
            canvas.stroke(
                [Point(x: x, y: axes.top), Point(x: x, y: axes.bottom)], PlotStyle.grid, width: PlotStyle.gridWidth)
            canvas.stroke(
                [Point(x: axes.left, y: y), Point(x: axes.right, y: y)], PlotStyle.grid, width: PlotStyle.gridWidth)
            canvas.write(
                RichText(label), at: Point(x: x, y: axes.bottom + 19), size: PlotStyle.tickSize, PlotStyle.ink,
                anchor: 0.5)
            canvas.write(
                RichText(label), at: Point(x: axes.left - 8, y: y + 4.5), size: PlotStyle.tickSize, PlotStyle.ink,
                anchor: 1)
        }
        canvas.stroke(axes, PlotStyle.frame, width: PlotStyle.frameWidth)
        canvas.write(
            "false positive rate: pairs of two classes accepted",
            at: Point(x: (axes.left + axes.right) / 2, y: axes.bottom + 44),
            size: PlotStyle.labelSize, PlotStyle.ink, anchor: 0.5)
        canvas.write(
            "true positive rate: pairs of one class accepted", at: Point(x: 30, y: (axes.top + axes.bottom) / 2),
            size: PlotStyle.labelSize,
            PlotStyle.ink, anchor: 0.5, upward: true)
        canvas.write(
            .bold(title), at: Point(x: axes.left, y: 36), size: PlotStyle.titleSize, PlotStyle.ink, room: axes.width)
        canvas.write(RichText(subtitle), at: Point(x: axes.left, y: 58), size: PlotStyle.subtitleSize, PlotStyle.quiet)
    }
}
