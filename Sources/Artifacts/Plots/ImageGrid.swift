// A picture of small grey images in rows and columns: reconstructions, a decoder's manifold, samples. Knows nothing of networks.

/// Images of 28×28 bytes in a grid, as they are in the dataset: 0 is black.
package struct ImageGrid: Sendable {
    /// What stands beside a row or below a column.
    package struct Label: Equatable, Sendable {
        package let index: Int
        package let text: String

        package init(index: Int, text: String) {
            self.index = index
            self.text = text
        }
    }

    private static let side = 28
    private static let margins = Box(left: 24, top: 62, right: 24, bottom: 24)
    /// Left margin where something stands beside the rows.
    private static let labelMargin = 74.0

    package var title: String
    /// Below the title, smaller.
    package var remark: String?
    package let columns: Int
    /// Row by row; nil leaves a place empty.
    package let images: [[UInt8]?]
    /// Points per image, and between two images.
    package var imageSize = 56.0
    package var gap = 4.0
    /// More room after every so many rows; nil: nowhere.
    package var rowsPerBand: Int?
    package var rowLabels: [Label] = []
    package var columnLabels: [Label] = []
    /// Names of the axes, as variables z₁ and z₂ are written.
    package var axes: (horizontal: Int, vertical: Int)?

    /// - Parameter images: each of 784 bytes
    package init(title: String, columns: Int, images: [[UInt8]?]) {
        precondition(columns > 0, "a grid has at least one column")
        self.title = title
        self.columns = columns
        self.images = images
    }

    private var rows: Int { (images.count + columns - 1) / columns }
    private var hasFeet: Bool { !columnLabels.isEmpty || axes != nil }

    private var leftMargin: Double { rowLabels.isEmpty && axes == nil ? Self.margins.left : Self.labelMargin }

    private func left(_ column: Int) -> Double { leftMargin + Double(column) * (imageSize + gap) }

    private func top(_ row: Int) -> Double {
        let bands = rowsPerBand.map { Double(row / $0) } ?? 0
        return Self.margins.top + (remark == nil ? 0 : 18) + Double(row) * (imageSize + gap) + bands * 12
    }

    /// Two pixels per point.
    package func png() throws(CanvasError) -> [UInt8] { try encoded(PictureStyle()) }

    /// Of another size than its own, everything is larger or smaller.
    package func encoded(_ style: PictureStyle) throws(CanvasError) -> [UInt8] {
        let bottom = top(max(rows - 1, 0)) + imageSize
        let right = left(columns - 1) + imageSize
        let titleEnd = leftMargin + Double(title.utf8.count) * PlotStyle.titleSize * 0.7
        let natural = PictureSize(
            width: Int(max(right, titleEnd) + Self.margins.right),
            height: Int(bottom + (hasFeet ? 54 : Self.margins.bottom)))
        let size = style.size ?? natural
        let canvas = try Canvas(
            width: size.width, height: size.height, scale: PlotStyle.pngScale, format: style.format)
        if size != natural { canvas.fit(width: Double(natural.width), height: Double(natural.height)) }
        let x = leftMargin
        canvas.write(.bold(title), at: Point(x: x, y: 36), size: PlotStyle.titleSize, PlotStyle.ink)
        if let remark {
            canvas.write(RichText(remark), at: Point(x: x, y: 58), size: PlotStyle.subtitleSize, PlotStyle.quiet)
        }
        for (index, image) in images.enumerated() {
            guard let image else { continue }
            let (x, y) = (left(index % columns), top(index / columns))
            canvas.draw(
                grey: image, columns: Self.side, in: Box(left: x, top: y, right: x + imageSize, bottom: y + imageSize))
        }
        drawLabels(on: canvas, bottom: bottom, right: right)
        return try canvas.encoded()
    }

    private func drawLabels(on canvas: Canvas, bottom: Double, right: Double) {
        for label in rowLabels {
            let y = top(label.index) + imageSize / 2 + 4.5
            canvas.write(
                RichText(label.text), at: Point(x: leftMargin - 8, y: y), size: PlotStyle.tickSize,
                PlotStyle.ink, anchor: 1)
        }
        for label in columnLabels {
            let x = left(label.index) + imageSize / 2
            canvas.write(
                RichText(label.text), at: Point(x: x, y: bottom + 17), size: PlotStyle.tickSize, PlotStyle.ink,
                anchor: 0.5)
        }
        guard let axes else { return }
        canvas.write(
            .variable("z", axes.horizontal), at: Point(x: (leftMargin + right) / 2, y: bottom + 42),
            size: PlotStyle.labelSize, PlotStyle.ink, anchor: 0.5)
        canvas.write(
            .variable("z", axes.vertical), at: Point(x: 24, y: (top(0) + bottom) / 2), size: PlotStyle.labelSize,
            PlotStyle.ink, anchor: 0.5, upward: true)
    }
}
