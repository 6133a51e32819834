// One drawing of points in a plane: title, axes with round ticks, grid, legend beside the axes. Used for a PNG and for every
// frame of an animation. Knows no dimensions but two and no file format.

/// Everything of a scatter drawing but its points.
struct ScatterFigure {
    static let naturalSize = PictureSize(width: 800, height: 700)

    let title: String
    let subtitle: String
    let view: PlanarView
    let classNames: [String]
    let limits: ScatterLimits
    let colours: [Colour]
    let axes: Box

    /// - Parameter extent: of all points that will be drawn, here or in other frames
    init(
        title: String, subtitle: String, view: PlanarView, classNames: [String], holding extent: ScatterLimits.Extent,
        size: PictureSize, colours: [Colour]
    ) {
        self.title = title
        self.subtitle = subtitle
        self.view = view
        self.classNames = classNames
        self.colours = colours
        // The axes take the left, the legend the right.
        axes = Box(left: 88, top: 74, right: Double(size.width) - 150, bottom: Double(size.height) - 64)
        limits = ScatterLimits(
            holding: extent, view: view, classCount: classNames.count, width: axes.width, height: axes.height)
    }

    func draw(_ points: [PlanarView.Placed], dropped: Int, on canvas: Canvas) {
        drawGrid(on: canvas)
        drawPoints(points, on: canvas)
        drawFrame(on: canvas)
        drawTitles(on: canvas)
        drawLegend(points, dropped: dropped, on: canvas)
        if points.isEmpty {
            let middle = Point(x: (axes.left + axes.right) / 2, y: (axes.top + axes.bottom) / 2)
            canvas.write("no points to show", at: middle, size: PlotStyle.labelSize, PlotStyle.quiet, anchor: 0.5)
        }
    }

    private func position(_ place: SIMD2<Double>) -> Point { limits.position(place, in: axes) }

    private func drawPoints(_ points: [PlanarView.Placed], on canvas: Canvas) {
        // However many, points in one place are one mark, which must be seen.
        let isSingle = ScatterLimits.Extent(of: points).isSingle
        let style = PlotStyle.marker(count: isSingle ? 1 : points.count)
        // In dataset order, which mixes the classes: drawn class by class, the last would hide the others.
        let marked = MarkedPoints(
            points: points.map { (position($0.place), $0.label) }, colours: colours, radius: style.radius,
            alpha: style.alpha)
        canvas.mark(marked, within: axes)
    }

    private func drawGrid(on canvas: Canvas) {
        for value in limits.xTicks.values {
            let x = position(SIMD2(value, 0)).x
            canvas.stroke(
                [Point(x: x, y: axes.top), Point(x: x, y: axes.bottom)], PlotStyle.grid,
                width: PlotStyle.gridWidth)
        }
        for y in rows.map(\.y) {
            canvas.stroke(
                [Point(x: axes.left, y: y), Point(x: axes.right, y: y)], PlotStyle.grid,
                width: PlotStyle.gridWidth)
        }
    }

    /// Places and labels along the y axis. In a strip the rows have no numbers: the colours name them.
    private var rows: [(y: Double, label: String)] {
        guard view.isIsometric else {
            return classNames.indices.map { (position(SIMD2(0, -Double($0))).y, "") }
        }
        return zip(limits.yTicks.values, limits.yTicks.labels(commonExponent: limits.commonExponent)).map {
            (position(SIMD2(0, $0)).y, $1)
        }
    }

    private func drawFrame(on canvas: Canvas) {
        canvas.stroke(axes, PlotStyle.frame, width: PlotStyle.frameWidth)
        for (value, label) in zip(limits.xTicks.values, limits.xTicks.labels(commonExponent: limits.commonExponent)) {
            let x = position(SIMD2(value, 0)).x
            let foot = Point(x: x, y: axes.bottom + PlotStyle.tickLength)
            canvas.stroke([Point(x: x, y: axes.bottom), foot], PlotStyle.frame, width: PlotStyle.frameWidth)
            canvas.write(
                RichText(label), at: Point(x: x, y: axes.bottom + 19), size: PlotStyle.tickSize, PlotStyle.ink,
                anchor: 0.5)
        }
        for (y, label) in rows where !label.isEmpty {
            let foot = Point(x: axes.left - PlotStyle.tickLength, y: y)
            canvas.stroke([foot, Point(x: axes.left, y: y)], PlotStyle.frame, width: PlotStyle.frameWidth)
            canvas.write(
                RichText(label), at: Point(x: axes.left - 8, y: y + 4.5), size: PlotStyle.tickSize, PlotStyle.ink,
                anchor: 1)
        }
        let names = view.axisNames
        canvas.write(
            names.x + .factor(limits.commonExponent),
            at: Point(x: (axes.left + axes.right) / 2, y: axes.bottom + 44), size: PlotStyle.labelSize, PlotStyle.ink,
            anchor: 0.5)
        canvas.write(
            names.y + (view.isIsometric ? .factor(limits.commonExponent) : ""),
            at: Point(x: view.isIsometric ? 24 : 62, y: (axes.top + axes.bottom) / 2), size: PlotStyle.labelSize,
            PlotStyle.ink, anchor: 0.5, upward: true)
    }

    private func drawTitles(on canvas: Canvas) {
        let left = axes.left
        let room = Double(canvas.width) - left - PlotStyle.rightMargin
        canvas.write(.bold(title), at: Point(x: left, y: 36), size: PlotStyle.titleSize, PlotStyle.ink, room: room)
        canvas.write(
            RichText(subtitle), at: Point(x: left, y: 58), size: PlotStyle.subtitleSize, PlotStyle.quiet, room: room)
    }

    private func drawLegend(_ points: [PlanarView.Placed], dropped: Int, on canvas: Canvas) {
        let left = axes.right + 24
        // A strip's legend stands level with its rows.
        let rowHeight = view.isIsometric ? 25.0 : axes.height / Double(classNames.count)
        let top = axes.top + (view.isIsometric ? 9 : rowHeight / 2)
        for (index, name) in classNames.enumerated() {
            let y = top + Double(index) * rowHeight
            canvas.disc(Point(x: left, y: y), radius: 5.5, colours[index])
            canvas.write(
                RichText(name), at: Point(x: left + 14, y: y + 4.6), size: PlotStyle.legendSize, PlotStyle.ink)
        }
        guard dropped > 0 else { return }
        let note = ["\(grouped(dropped)) not finite,", "not drawn"]
        for (index, line) in note.enumerated() {
            canvas.write(
                RichText(line), at: Point(x: left - 6, y: axes.bottom - 18 + Double(index) * 16),
                size: PlotStyle.tickSize, PlotStyle.warning)
        }
    }
}

/// A count with thin spaces between thousands (ISO 80000-1): 60 000, the same in every locale.
func grouped(_ count: Int) -> String {
    let digits = Array(String(count))
    var text = ""
    for (index, digit) in digits.enumerated() {
        if index > 0, (digits.count - index) % 3 == 0 { text.append(digits.count > 4 ? "\u{2009}" : "") }
        text.append(digit)
    }
    return text
}
