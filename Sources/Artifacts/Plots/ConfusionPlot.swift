// The picture of a confusion matrix: a square per pair of classes, as dark as the share of the row's class that ended there.

/// Which class was taken for which, as a PNG. At most as many classes as there are names.
package struct ConfusionPlot: Sendable {
    private static let size = (width: 800, height: 760)
    private static let area = Box(left: 150, top: 110, right: 770, bottom: 700)

    private let title: String
    private let subtitle: String
    private let classNames: [String]
    /// [true][predicted]
    private let counts: [[Int]]

    /// - Parameters:
    ///   - subtitle: one line, such as the accuracy
    ///   - classNames: of rows and columns, in order
    package init(title: String, subtitle: String, classNames: [String], counts: [[Int]]) {
        precondition(counts.count == classNames.count && counts.allSatisfy { $0.count == classNames.count }, "square")
        self.title = title
        self.subtitle = subtitle
        self.classNames = classNames
        self.counts = counts
    }

    /// 1600 × 1520 pixels.
    package func png() throws(CanvasError) -> [UInt8] {
        let canvas = try Canvas(width: Self.size.width, height: Self.size.height, scale: PlotStyle.pngScale)
        let left = Self.area.left
        canvas.write(
            .bold(title), at: Point(x: left, y: 36), size: PlotStyle.titleSize, PlotStyle.ink,
            room: Double(Self.size.width) - left - PlotStyle.rightMargin)
        canvas.write(RichText(subtitle), at: Point(x: left, y: 58), size: PlotStyle.subtitleSize, PlotStyle.quiet)
        for row in counts.indices {
            for column in counts.indices { drawCell(row, column, on: canvas) }
        }
        canvas.stroke(Self.area, PlotStyle.frame, width: PlotStyle.frameWidth)
        drawNames(on: canvas)
        return try canvas.png()
    }

    private func box(_ row: Int, _ column: Int) -> Box {
        let (area, count) = (Self.area, Double(classNames.count))
        let (width, height) = (area.width / count, area.height / count)
        return Box(
            left: area.left + Double(column) * width, top: area.top + Double(row) * height,
            right: area.left + Double(column + 1) * width, bottom: area.top + Double(row + 1) * height)
    }

    /// Right answers in blue, wrong ones in red; the root of the share makes one in a hundred visible.
    private func drawCell(_ row: Int, _ column: Int, on canvas: Canvas) {
        let cell = box(row, column)
        let count = counts[row][column]
        let share = (Double(count) / Double(max(counts[row].reduce(0, +), 1))).squareRoot()
        let colour = row == column ? Palette.classes[0] : PlotStyle.warning
        canvas.fill(cell, Palette.white.mixed(with: colour, share))
        canvas.stroke(cell, PlotStyle.grid, width: PlotStyle.gridWidth)
        guard count > 0 else { return }
        canvas.write(
            RichText(grouped(count)),
            at: Point(x: (cell.left + cell.right) / 2, y: (cell.top + cell.bottom) / 2 + 4.5), size: PlotStyle.tickSize,
            share > 0.6 ? Palette.white : PlotStyle.ink, anchor: 0.5)
    }

    private func drawNames(on canvas: Canvas) {
        let area = Self.area
        for (index, name) in classNames.enumerated() {
            let (row, column) = (box(index, 0), box(0, index))
            canvas.write(
                RichText(name), at: Point(x: area.left - 8, y: (row.top + row.bottom) / 2 + 4.5),
                size: PlotStyle.tickSize, PlotStyle.ink, anchor: 1)
            // Long names would run into each other: every other one stands a line higher.
            let isLong = classNames.contains { $0.count > 4 }
            canvas.write(
                RichText(name),
                at: Point(x: (column.left + column.right) / 2, y: area.top - (isLong && index % 2 == 1 ? 24 : 8)),
                size: PlotStyle.tickSize, PlotStyle.ink, anchor: 0.5)
        }
        canvas.write(
            "taken for", at: Point(x: (area.left + area.right) / 2, y: area.bottom + 30), size: PlotStyle.labelSize,
            PlotStyle.ink, anchor: 0.5)
        canvas.write(
            "class", at: Point(x: 32, y: (area.top + area.bottom) / 2), size: PlotStyle.labelSize, PlotStyle.ink,
            anchor: 0.5, upward: true)
    }
}
