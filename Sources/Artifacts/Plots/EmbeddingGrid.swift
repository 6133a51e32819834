// Several latent spaces side by side, a small scatter each: how networks differ is seen at a glance. For one, with axes and numbers,
// there is ScatterPlot.
package import ModelCore

/// Small scatters in rows, with one legend for each set of classes.
package struct EmbeddingGrid: Sendable {
    package struct Panel: Sendable {
        package let title: String
        package let subtitle: String
        package let points: Embeddings
        /// Every label is an index of them; at most ten.
        package let classNames: [String]
        /// What the classes are of: the legend's name.
        package let dataset: String

        package init(title: String, subtitle: String, points: Embeddings, classNames: [String], dataset: String) {
            precondition(classNames.count <= Palette.classes.count, "\(classNames.count) classes, ten have colours")
            precondition(points.labels.allSatisfy { $0 < classNames.count }, "a label without a class name")
            self.title = title
            self.subtitle = subtitle
            self.points = points
            self.classNames = classNames
            self.dataset = dataset
        }
    }

    private static let side = 260.0
    private static let gap = 16.0
    private static let heading = 56.0
    private static let margin = 20.0
    private static let legendRow = 26.0
    /// With fewer columns than these hold, legends have rows of their own for half of their names.
    private static let legendColumns = 3

    private let panels: [Panel]
    private let columns: Int

    /// - Parameter panels: row by row
    package init(panels: [Panel], columns: Int) {
        precondition(columns > 0, "a grid has at least one column")
        self.panels = panels
        self.columns = min(columns, max(panels.count, 1))
    }

    private var rows: Int { (panels.count + columns - 1) / columns }

    /// The classes of all panels, each dataset once, in order.
    private var legends: [(dataset: String, names: [String])] {
        panels.reduce(into: []) { legends, panel in
            guard !legends.contains(where: { $0.dataset == panel.dataset }) else { return }
            legends.append((panel.dataset, panel.classNames))
        }
    }

    /// Names of a legend that fit a row.
    private var namesPerRow: Int { columns >= 5 ? 10 : columns >= Self.legendColumns ? 5 : columns * 2 }

    private var legendRows: Int { legends.reduce(0) { $0 + ($1.names.count + namesPerRow - 1) / namesPerRow } }

    /// Two pixels per point. Of another size than its own, everything is larger or smaller.
    package func encoded(_ style: PictureStyle) throws(CanvasError) -> [UInt8] {
        let natural = PictureSize(
            width: Int(2 * Self.margin + Double(columns) * (Self.side + Self.gap) - Self.gap),
            height: Int(
                2 * Self.margin + Double(rows) * (Self.heading + Self.side)
                    + Double(legendRows) * Self.legendRow + 14))
        let size = style.size ?? natural
        let canvas = try Canvas(
            width: size.width, height: size.height, scale: PlotStyle.pngScale, format: style.format)
        if size != natural { canvas.fit(width: Double(natural.width), height: Double(natural.height)) }
        for (index, panel) in panels.enumerated() {
            let left = Self.margin + Double(index % columns) * (Self.side + Self.gap)
            let top = Self.margin + Double(index / columns) * (Self.heading + Self.side)
            draw(panel, at: Point(x: left, y: top), style.palette.colours, on: canvas)
        }
        drawLegends(style.palette.colours, on: canvas)
        return try canvas.encoded()
    }

    private func draw(_ panel: Panel, at place: Point, _ colours: [Colour], on canvas: Canvas) {
        canvas.write(
            .bold(panel.title), at: Point(x: place.x, y: place.y + 26), size: PlotStyle.labelSize * 0.94,
            PlotStyle.ink, room: Self.side)
        canvas.write(
            RichText(panel.subtitle), at: Point(x: place.x, y: place.y + 44), size: PlotStyle.subtitleSize,
            PlotStyle.quiet, room: Self.side)
        let box = Box(
            left: place.x, top: place.y + Self.heading, right: place.x + Self.side,
            bottom: place.y + Self.heading + Self.side)
        let view = PlanarView(for: panel.points)
        let placed = view.place(panel.points).points
        let limits = ScatterLimits(
            holding: .init(of: placed), view: view, classCount: panel.classNames.count, width: box.width,
            height: box.height)
        let inside = placed.map { point in
            (place: limits.position(point.place, in: box), colour: point.label)
        }
        let marker = PlotStyle.marker(count: placed.count)
        // A third of the big picture's width: the same share of it would leave no colour.
        canvas.mark(
            MarkedPoints(points: inside, colours: colours, radius: marker.radius * 0.7, alpha: marker.alpha),
            within: box)
        canvas.stroke(box, PlotStyle.frame, width: PlotStyle.frameWidth)
    }

    private func drawLegends(_ colours: [Colour], on canvas: Canvas) {
        let nameWidth = 112.0
        var y = Self.margin + Double(rows) * (Self.heading + Self.side) + Self.legendRow
        let step = (Double(columns) * (Self.side + Self.gap) - Self.gap - nameWidth) / Double(namesPerRow)
        for legend in legends {
            canvas.write(
                .bold(legend.dataset), at: Point(x: Self.margin, y: y + 4.6), size: PlotStyle.legendSize,
                PlotStyle.ink)
            for (index, name) in legend.names.enumerated() {
                let x = Self.margin + nameWidth + Double(index % namesPerRow) * step + 16
                let line = y + Double(index / namesPerRow) * Self.legendRow
                canvas.disc(Point(x: x, y: line), radius: 5.5, colours[index])
                canvas.write(
                    RichText(name), at: Point(x: x + 12, y: line + 4.6), size: PlotStyle.legendSize, PlotStyle.ink)
            }
            y += Double((legend.names.count + namesPerRow - 1) / namesPerRow) * Self.legendRow
        }
    }
}
