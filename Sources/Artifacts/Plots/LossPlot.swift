// The picture of learning: training and validation loss over the epochs, as a PNG; of a loss of several terms, one plot for each,
// below each other. Not a general line chart.

/// Mean loss per epoch, as two lines with markers. Epoch 0, if given, is the loss before any training.
package struct LossPlot: Sendable {
    /// The losses of one epoch; nil where nothing was measured. A loss that is not finite leaves a gap and a remark.
    package struct Epoch: Equatable, Sendable {
        package var number: Int
        package var training: Double?
        package var validation: Double?

        package init(number: Int, training: Double?, validation: Double?) {
            self.number = number
            self.training = training
            self.validation = validation
        }
    }

    private struct Series {
        let name: String
        let colour: Colour
        let marker: LineMarker
        let losses: any KeyPath<Epoch, Double?> & Sendable
    }

    private static let series = [
        Series(name: "training", colour: Palette.classes[0], marker: .disc, losses: \.training),
        Series(name: "validation", colour: Palette.classes[1], marker: .square, losses: \.validation),
    ]
    private static let size = (width: 800, height: 500)
    /// Height of a plot among several.
    private static let smallHeight = 340
    /// With more epochs than this the markers would merge into a band; the line alone is drawn.
    private static let mostMarkers = 60

    private let title: String
    private let quantity: String
    /// Where the plot is on its canvas.
    private var top = 0
    private var height = Self.size.height
    private var axes: Box {
        Box(left: 84, top: Double(top) + 74, right: 770, bottom: Double(top + height) - 64)
    }
    private let epochs: [Epoch]
    private let x: ClosedRange<Double>
    private let y: ClosedRange<Double>
    private let yTicks: Ticks

    /// - Parameter quantity: what the vertical axis shows
    package init(title: String, quantity: String = "mean loss", epochs: [Epoch]) {
        self.title = title
        self.quantity = quantity
        self.epochs = epochs.sorted { $0.number < $1.number }
        let first = Double(self.epochs.first?.number ?? 0)
        let last = Double(self.epochs.last?.number ?? 1)
        let margin = max(0.5, (last - first) * 0.02)
        x = first - margin...last + margin
        y = Self.lossRange(epochs)
        yTicks = Ticks(in: y, atMost: 8)
    }

    /// Finite, with room for the arithmetic of an axis.
    private static func isDrawable(_ loss: Double) -> Bool { loss.magnitude < 1e300 }

    private static func drawableLosses(_ epochs: [Epoch]) -> [Double] {
        epochs.flatMap { [$0.training, $0.validation] }.compactMap(\.self).filter(isDrawable)
    }

    /// From zero, so that heights compare as ratios, unless that would leave more than the lower 60 % of the picture
    /// empty. Not less than 2 % of the loss from bottom to top: a flat loss looks flat, not like noise.
    private static func lossRange(_ epochs: [Epoch]) -> ClosedRange<Double> {
        let losses = drawableLosses(epochs)
        guard let low = losses.min(), let high = losses.max() else { return 0...1 }
        if low >= 0, low <= high * 0.6 || epochs.count == 1 { return 0...(high > 0 ? high * 1.06 : 1) }
        let margin = max((high - low) * 0.08, (max(abs(low), abs(high)) * 0.02 - (high - low)) / 2)
        return low - margin...high + margin
    }

    /// 1600 × 1000 pixels.
    package func png() throws(CanvasError) -> [UInt8] {
        let canvas = try Canvas(width: Self.size.width, height: Self.size.height, scale: PlotStyle.pngScale)
        draw(on: canvas)
        return try canvas.png()
    }

    /// Several plots below each other, each 1600 × 680 pixels.
    package static func png(of plots: [LossPlot]) throws(CanvasError) -> [UInt8] {
        let canvas = try Canvas(
            width: size.width, height: smallHeight * max(plots.count, 1), scale: PlotStyle.pngScale)
        for (index, plot) in plots.enumerated() {
            var plot = plot
            (plot.top, plot.height) = (index * smallHeight, smallHeight)
            plot.draw(on: canvas)
        }
        return try canvas.png()
    }

    private func draw(on canvas: Canvas) {
        drawGrid(on: canvas)
        drawAxes(on: canvas)
        for series in Self.series { draw(series, on: canvas) }
        drawTitleAndLegend(on: canvas)
        if Self.drawableLosses(epochs).isEmpty {
            let middle = Point(x: (axes.left + axes.right) / 2, y: (axes.top + axes.bottom) / 2)
            canvas.write("no losses to show", at: middle, size: PlotStyle.labelSize, PlotStyle.quiet, anchor: 0.5)
        }
    }

    private func position(_ epoch: Double, _ loss: Double) -> Point {
        let x = (epoch - x.lowerBound) / (x.upperBound - x.lowerBound)
        let y = (loss - y.lowerBound) / (y.upperBound - y.lowerBound)
        return Point(x: axes.left + x * axes.width, y: axes.bottom - y * axes.height)
    }

    /// Epochs are whole: ticks at multiples of 1, 2, 5, 10, … from the first epoch to the last.
    private var xTicks: Ticks {
        let ticks = Ticks(in: x, atMost: 13)
        let whole = ticks.step < 1 ? Ticks(mantissa: 1, exponent: 0, indices: 0...0) : ticks
        return whole.covering(Double(epochs.first?.number ?? 0)...Double(epochs.last?.number ?? 1))
    }

    private func drawGrid(on canvas: Canvas) {
        for value in yTicks.values {
            let y = position(0, value).y
            canvas.stroke(
                [Point(x: axes.left, y: y), Point(x: axes.right, y: y)], PlotStyle.grid,
                width: PlotStyle.gridWidth)
        }
    }

    private func drawAxes(on canvas: Canvas) {
        let axes = axes
        canvas.stroke(
            [
                Point(x: axes.left, y: axes.top), Point(x: axes.left, y: axes.bottom),
                Point(x: axes.right, y: axes.bottom),
            ], PlotStyle.frame, width: PlotStyle.frameWidth)
        for (value, label) in zip(xTicks.values, xTicks.labels(commonExponent: xTicks.commonExponent)) {
            let x = position(value, 0).x
            let foot = Point(x: x, y: axes.bottom + PlotStyle.tickLength)
            canvas.stroke([Point(x: x, y: axes.bottom), foot], PlotStyle.frame, width: PlotStyle.frameWidth)
            canvas.write(
                RichText(label), at: Point(x: x, y: axes.bottom + 19), size: PlotStyle.tickSize, PlotStyle.ink,
                anchor: 0.5)
        }
        for (value, label) in zip(yTicks.values, yTicks.labels(commonExponent: yTicks.commonExponent)) {
            let y = position(0, value).y
            let foot = Point(x: axes.left - PlotStyle.tickLength, y: y)
            canvas.stroke([foot, Point(x: axes.left, y: y)], PlotStyle.frame, width: PlotStyle.frameWidth)
            canvas.write(
                RichText(label), at: Point(x: axes.left - 8, y: y + 4.5), size: PlotStyle.tickSize, PlotStyle.ink,
                anchor: 1)
        }
        canvas.write(
            "epoch" + .factor(xTicks.commonExponent), at: Point(x: (axes.left + axes.right) / 2, y: axes.bottom + 44),
            size: PlotStyle.labelSize, PlotStyle.ink, anchor: 0.5)
        canvas.write(
            RichText(quantity) + .factor(yTicks.commonExponent), at: Point(x: 26, y: (axes.top + axes.bottom) / 2),
            size: PlotStyle.labelSize, PlotStyle.ink, anchor: 0.5, upward: true)
    }

    private func draw(_ series: Series, on canvas: Canvas) {
        var line: [Point] = []
        var points: [Point] = []
        for epoch in epochs {
            guard let loss = epoch[keyPath: series.losses] else { continue }
            guard Self.isDrawable(loss) else {
                canvas.stroke(line, series.colour, width: 2)
                line = []
                continue
            }
            line.append(position(Double(epoch.number), loss))
            points.append(position(Double(epoch.number), loss))
        }
        canvas.stroke(line, series.colour, width: 2)
        if points.count <= Self.mostMarkers {
            for point in points { series.marker.draw(at: point, series.colour, on: canvas) }
        }
    }

    /// The legend stands above the axes, where there is no data.
    private func drawTitleAndLegend(on canvas: Canvas) {
        canvas.write(.bold(title), at: Point(x: axes.left, y: axes.top - 38), size: PlotStyle.titleSize, PlotStyle.ink)
        var x = axes.left
        for series in Self.series where epochs.contains(where: { $0[keyPath: series.losses] != nil }) {
            canvas.stroke([Point(x: x, y: axes.top - 18), Point(x: x + 28, y: axes.top - 18)], series.colour, width: 2)
            series.marker.draw(at: Point(x: x + 14, y: axes.top - 18), series.colour, on: canvas)
            let name = RichText(series.name)
            canvas.write(name, at: Point(x: x + 36, y: axes.top - 13.4), size: PlotStyle.legendSize, PlotStyle.ink)
            x += 36 + canvas.width(of: name, size: PlotStyle.legendSize) + 24
        }
        let lost = epochs.flatMap { [$0.training, $0.validation] }.compactMap(\.self).filter { !Self.isDrawable($0) }
            .count
        guard lost > 0 else { return }
        let remark = RichText("\(lost) \(lost == 1 ? "value" : "values") not finite, not drawn")
        canvas.write(
            remark, at: Point(x: axes.right, y: axes.top - 13.4), size: PlotStyle.tickSize, PlotStyle.warning, anchor: 1
        )
    }
}

/// Shapes differ too, for readers and printers without colour.
private enum LineMarker {
    case disc
    case square

    func draw(at point: Point, _ colour: Colour, on canvas: Canvas) {
        switch self {
        case .disc: canvas.disc(point, radius: 4, colour)
        case .square:
            canvas.fill(
                Box(left: point.x - 3.6, top: point.y - 3.6, right: point.x + 3.6, bottom: point.y + 3.6), colour)
        }
    }
}
