// The picture of learning: training and validation loss over the epochs; of a loss of several terms, one plot for each,
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

    /// What is compared: the losses of a run, under its name.
    package struct Run: Sendable {
        package let name: String
        /// Index of the palette.
        package let colour: Int
        package let epochs: [Epoch]

        package init(name: String, colour: Int, epochs: [Epoch]) {
            precondition(Palette.classes.indices.contains(colour), "ten runs have colours")
            self.name = name
            self.colour = colour
            self.epochs = epochs
        }
    }

    /// One line of the picture.
    private struct Series {
        /// In the legend; nil: not there.
        let name: String?
        /// Index of the palette.
        let colour: Int
        /// Nil: the line alone, and dashed.
        let marker: LineMarker?
        /// Nil where nothing was measured; ascending epochs.
        let losses: [(epoch: Int, loss: Double?)]

        var isEmpty: Bool { losses.allSatisfy { $0.loss == nil } }
    }

    private static let size = (width: 800, height: 500)
    /// Height of a plot among several.
    private static let smallHeight = 340
    /// With less, titles, legend and ticks leave no room for lines.
    private static let leastHeight = 260
    /// With more epochs than this the markers would merge into a band; the line alone is drawn.
    private static let mostMarkers = 60

    private let title: String
    private let quantity: String
    /// Where the plot is on its canvas.
    private var top = 0
    private var width = Self.size.width
    private var height = Self.size.height
    private var colours = Palette.classes
    private var axes: Box {
        Box(
            left: 84, top: Double(top) + 74 + 20 * Double(legendRows - 1), right: Double(width) - 30,
            bottom: Double(top + height) - 64)
    }
    /// Room for the legend, which stands above the axes.
    private var legendRows = 1
    private let series: [Series]
    private let epochs: ClosedRange<Int>
    private let x: ClosedRange<Double>
    private let y: ClosedRange<Double>
    private let yTicks: Ticks

    /// - Parameter quantity: what the vertical axis shows
    package init(title: String, quantity: String = "mean loss", epochs: [Epoch]) {
        let epochs = epochs.sorted { $0.number < $1.number }
        self.init(
            title: title, quantity: quantity,
            series: [
                Series(
                    name: "training", colour: 0, marker: .disc, losses: epochs.map { ($0.number, $0.training) }),
                Series(
                    name: "validation", colour: 1, marker: .square,
                    losses: epochs.map { ($0.number, $0.validation) }),
            ])
    }

    /// Several runs in one plot: the validation losses as lines with markers, the training losses dashed.
    package init(title: String, quantity: String = "mean loss", runs: [Run]) {
        let series = runs.flatMap { run in
            let epochs = run.epochs.sorted { $0.number < $1.number }
            return [
                Series(
                    name: nil, colour: run.colour, marker: nil, losses: epochs.map { ($0.number, $0.training) }),
                Series(
                    name: run.name, colour: run.colour, marker: .square,
                    losses: epochs.map { ($0.number, $0.validation) }),
            ]
        }
        self.init(title: title, quantity: quantity, series: series)
    }

    private init(title: String, quantity: String, series: [Series]) {
        self.title = title
        self.quantity = quantity
        self.series = series
        let numbers = series.flatMap(\.losses).map(\.epoch)
        epochs = (numbers.min() ?? 0)...(numbers.max() ?? 1)
        let (first, last) = (Double(epochs.lowerBound), Double(epochs.upperBound))
        let margin = max(0.5, (last - first) * 0.02)
        x = first - margin...last + margin
        y = Self.lossRange(series.flatMap(\.losses).compactMap(\.loss).filter(Self.isDrawable), epochs: epochs)
        yTicks = Ticks(in: y, atMost: 8)
    }

    /// Finite, with room for the arithmetic of an axis.
    private static func isDrawable(_ loss: Double) -> Bool { loss.magnitude < 1e300 }

    /// From zero, so that heights compare as ratios, unless that would leave more than the lower 60 % of the picture
    /// empty. Not less than 2 % of the loss from bottom to top: a flat loss looks flat, not like noise.
    private static func lossRange(_ losses: [Double], epochs: ClosedRange<Int>) -> ClosedRange<Double> {
        guard let low = losses.min(), let high = losses.max() else { return 0...1 }
        if low >= 0, low <= high * 0.6 || epochs.count == 1 { return 0...(high > 0 ? high * 1.06 : 1) }
        let margin = max((high - low) * 0.08, (max(abs(low), abs(high)) * 0.02 - (high - low)) / 2)
        return low - margin...high + margin
    }

    /// 1600 × 1000 pixels.
    package func png() throws(CanvasError) -> [UInt8] { try encoded(PictureStyle()) }

    package func encoded(_ style: PictureStyle) throws(CanvasError) -> [UInt8] {
        try Self.encoded([self], style)
    }

    /// One plot, or several below each other, each 1600 × 680 pixels unless the style says otherwise.
    package static func encoded(_ plots: [LossPlot], _ style: PictureStyle) throws(CanvasError) -> [UInt8] {
        let count = max(plots.count, 1)
        let natural = PictureSize(width: size.width, height: count == 1 ? size.height : smallHeight * count)
        let size = style.size ?? natural
        let canvas = try Canvas(
            width: size.width, height: size.height, scale: PlotStyle.pngScale, format: style.format)
        // Where there is no room for so many, all is smaller.
        let (shortest, height) = (Double(leastHeight * count), Double(size.height))
        let sheet = (width: Int(Double(size.width) * max(1, shortest / height)), height: Int(max(shortest, height)))
        if sheet.height > size.height { canvas.fit(width: Double(sheet.width), height: Double(sheet.height)) }
        for (index, plot) in plots.enumerated() {
            var plot = plot
            (plot.top, plot.height) = (index * sheet.height / count, sheet.height / count)
            (plot.width, plot.colours) = (sheet.width, style.palette.colours)
            plot.legendRows = plot.legend(on: canvas).rows
            plot.draw(on: canvas)
        }
        return try canvas.encoded()
    }

    private func draw(on canvas: Canvas) {
        drawGrid(on: canvas)
        drawAxes(on: canvas)
        for series in series { draw(series, on: canvas) }
        drawTitleAndLegend(on: canvas)
        if !series.flatMap(\.losses).contains(where: { $0.loss.map(Self.isDrawable) ?? false }) {
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
        let ticks = Ticks(in: x, atMost: max(3, Int(axes.width / 52)))
        let whole = ticks.step < 1 ? Ticks(mantissa: 1, exponent: 0, indices: 0...0) : ticks
        return whole.covering(Double(epochs.lowerBound)...Double(epochs.upperBound))
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
        let dash = series.marker == nil ? [5.0, 4.0] : nil
        var line: [Point] = []
        var points: [Point] = []
        for (epoch, loss) in series.losses {
            guard let loss else { continue }
            guard Self.isDrawable(loss) else {
                canvas.stroke(line, colours[series.colour], width: 2, dash: dash)
                line = []
                continue
            }
            line.append(position(Double(epoch), loss))
            points.append(position(Double(epoch), loss))
        }
        canvas.stroke(line, colours[series.colour], width: 2, dash: dash)
        guard points.count <= Self.mostMarkers else { return }
        for point in points { series.marker?.draw(at: point, colours[series.colour], on: canvas) }
    }

    /// Where the names of the legend stand, relative to the left end of its first row, and how many rows there are.
    private func legend(on canvas: Canvas) -> (places: [(series: Series, x: Double, row: Int)], rows: Int) {
        var places: [(series: Series, x: Double, row: Int)] = []
        var (x, row) = (0.0, 0)
        for series in series where !series.isEmpty {
            guard let name = series.name else { continue }
            let width = 36 + canvas.width(of: RichText(name), size: PlotStyle.legendSize)
            if x > 0, x + width > axes.width { (x, row) = (0, row + 1) }
            places.append((series, x, row))
            x += width + 24
        }
        return (places, row + 1)
    }

    /// The legend stands above the axes, where there is no data.
    private func drawTitleAndLegend(on canvas: Canvas) {
        let top = axes.top - 18 - 20 * Double(legendRows - 1)
        canvas.write(
            .bold(title), at: Point(x: axes.left, y: top - 20), size: PlotStyle.titleSize, PlotStyle.ink,
            room: axes.width)
        for (series, offset, row) in legend(on: canvas).places {
            let (x, y) = (axes.left + offset, top + 20 * Double(row))
            canvas.stroke([Point(x: x, y: y), Point(x: x + 28, y: y)], colours[series.colour], width: 2)
            series.marker?.draw(at: Point(x: x + 14, y: y), colours[series.colour], on: canvas)
            canvas.write(
                RichText(series.name ?? ""), at: Point(x: x + 36, y: y + 4.6), size: PlotStyle.legendSize,
                PlotStyle.ink)
        }
        let lost = series.flatMap(\.losses).compactMap(\.loss).count { !Self.isDrawable($0) }
        guard lost > 0 else { return }
        let remark = RichText("\(lost) \(lost == 1 ? "value" : "values") not finite, not drawn")
        canvas.write(
            remark, at: Point(x: axes.right, y: top + 4.6), size: PlotStyle.tickSize, PlotStyle.warning, anchor: 1)
    }
}

/// Shapes differ too, for readers and printers without colour.
enum LineMarker {
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
