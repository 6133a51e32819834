// The picture of a search: in each row a query and its nearest images, framed by whether their class is the query's.

/// Queries and what was found for them, as a PNG.
package struct NeighboursPlot: Sendable {
    /// An image with two lines below it.
    package struct Tile: Sendable {
        package enum Frame: Sendable {
            case right
            case wrong
            /// The query's class is not known.
            case unknown

            var colour: Colour {
                switch self {
                case .right: Colour(hex: 0x1E8A3C)
                case .wrong: Colour(hex: 0xC81E1E)
                case .unknown: PlotStyle.frame
                }
            }
        }

        package let image: GreyImage
        package let caption: String
        package let remark: String
        package let frame: Frame

        package init(image: GreyImage, caption: String, remark: String, frame: Frame) {
            self.image = image
            self.caption = caption
            self.remark = remark
            self.frame = frame
        }
    }

    /// A query and its neighbours, nearest first.
    package struct Row: Sendable {
        package let query: Tile
        package let neighbours: [Tile]

        package init(query: Tile, neighbours: [Tile]) {
            self.query = query
            self.neighbours = neighbours
        }
    }

    /// What is drawn of a longer list.
    package static let mostRows = 40
    package static let mostColumns = 20

    private static let side = 84.0
    private static let pitch = (x: 108.0, y: 136.0)
    private static let origin = Point(x: 40, y: 92)
    private static let gap = 30.0
    /// Room for a title above one column.
    private static let leastWidth = 560.0

    private let title: String
    private let subtitle: String
    private let rows: [Row]

    package init(title: String, subtitle: String, rows: [Row]) {
        self.title = title
        self.subtitle = subtitle
        self.rows = Array(rows.prefix(Self.mostRows))
    }

    private var columns: Int { min(rows.map(\.neighbours.count).max() ?? 0, Self.mostColumns) }

    package func png() throws(CanvasError) -> [UInt8] {
        let width = max(Self.origin.x * 2 + Self.pitch.x * Double(columns + 1) + Self.gap, Self.leastWidth)
        let height = Self.origin.y + Self.pitch.y * Double(max(rows.count, 1)) + 8
        let canvas = try Canvas(width: Int(width), height: Int(height), scale: PlotStyle.pngScale)
        let left = Self.origin.x
        let room = width - left - PlotStyle.rightMargin
        canvas.write(.bold(title), at: Point(x: left, y: 36), size: PlotStyle.titleSize, PlotStyle.ink, room: room)
        canvas.write(
            RichText(subtitle), at: Point(x: left, y: 58), size: PlotStyle.subtitleSize, PlotStyle.quiet, room: room)
        for (index, row) in rows.enumerated() {
            let y = Self.origin.y + Double(index) * Self.pitch.y
            draw(row.query, at: Point(x: left, y: y), frameWidth: 1, on: canvas)
            for (column, tile) in row.neighbours.prefix(columns).enumerated() {
                let x = left + Self.gap + Double(column + 1) * Self.pitch.x
                draw(tile, at: Point(x: x, y: y), frameWidth: 4, on: canvas)
            }
        }
        return try canvas.png()
    }

    private func draw(_ tile: Tile, at place: Point, frameWidth: Double, on canvas: Canvas) {
        let box = Box(left: place.x, top: place.y, right: place.x + Self.side, bottom: place.y + Self.side)
        canvas.draw(tile.image, in: box)
        let reach = frameWidth / 2
        canvas.stroke(
            Box(left: box.left - reach, top: box.top - reach, right: box.right + reach, bottom: box.bottom + reach),
            tile.frame.colour, width: frameWidth)
        let middle = place.x + Self.side / 2
        canvas.write(
            RichText(tile.caption), at: Point(x: middle, y: box.bottom + 19), size: PlotStyle.tickSize, PlotStyle.ink,
            anchor: 0.5)
        canvas.write(
            RichText(tile.remark), at: Point(x: middle, y: box.bottom + 34), size: PlotStyle.tickSize * 0.86,
            PlotStyle.quiet, anchor: 0.5)
    }
}
