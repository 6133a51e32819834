// The picture of a latent space: a scatter with one colour per class.
package import ModelCore

/// A scatter plot of latent vectors of any dimension: two are drawn as they are, more through their two leading principal
/// components, one along a strip per class; title and axes say which.
package struct ScatterPlot: Sendable {
    private let title: String
    private let points: Embeddings
    private let classNames: [String]

    /// `title` is one line. At most ten classes; every label must be an index of `classNames`.
    package init(title: String, points: Embeddings, classNames: [String]) {
        precondition(classNames.count <= Palette.classes.count, "\(classNames.count) classes, ten have colours")
        precondition(points.labels.allSatisfy { $0 < classNames.count }, "a label without a class name")
        self.title = title
        self.points = points
        self.classNames = classNames
    }

    /// 1600 × 1400 pixels.
    package func png() throws(CanvasError) -> [UInt8] { try encoded(PictureStyle()) }

    /// Vectors with a NaN or an infinity are left out, and the picture says how many.
    package func encoded(_ style: PictureStyle) throws(CanvasError) -> [UInt8] {
        let size = style.size ?? ScatterFigure.naturalSize
        let view = PlanarView(for: points)
        let (placed, dropped) = view.place(points)
        let images = "\(grouped(points.count)) \(points.count == 1 ? "image" : "images")"
        let figure = ScatterFigure(
            title: title,
            subtitle: [images, view.remark(dimensions: points.dimensions)].compactMap(\.self).joined(separator: " · "),
            view: view, classNames: classNames, holding: .init(of: placed), size: size,
            colours: style.palette.colours)
        let canvas = try Canvas(
            width: size.width, height: size.height, scale: PlotStyle.pngScale, format: style.format)
        figure.draw(placed, dropped: dropped, on: canvas)
        return try canvas.encoded()
    }
}
