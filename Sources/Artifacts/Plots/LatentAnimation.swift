// The development of the latent space over the epochs, as a looping GIF. Collects vectors while a run goes on and draws at
// its end, because axes that hold still need all frames.
package import ModelCore

/// Frames of one set's latent space. A frame costs its vectors alone (4 bytes a number: 80 kB for 10,000 points in two
/// dimensions) until `gif()` draws them one at a time.
package struct LatentAnimation: Sendable {
    private struct Frame {
        let epoch: Int
        let points: Embeddings
    }

    /// The whole development takes about this long, within what the eye follows.
    private static let duration = 1000
    private static let delays = 8...60
    /// The last frame is the result: it stays.
    private static let lastDelay = 300

    private let title: String
    private let classNames: [String]
    private var frames: [Frame] = []

    package init(title: String, classNames: [String]) {
        precondition(classNames.count <= Palette.classes.count, "\(classNames.count) classes, ten have colours")
        self.title = title
        self.classNames = classNames
    }

    /// Adds the latent space after `epoch` epochs (0: before training). All frames have the same dimensions.
    package mutating func append(epoch: Int, points: Embeddings) {
        precondition(frames.first.map { $0.points.dimensions == points.dimensions } ?? true, "dimensions changed")
        precondition(points.labels.allSatisfy { $0 < classNames.count }, "a label without a class name")
        frames.append(Frame(epoch: epoch, points: points))
    }

    /// 800 × 700 pixels or what the style says, a pixel a point; the limits of the axes are from all frames; more than two dimensions
    /// are seen through the principal components of the last. Nil without frames.
    package func gif(_ style: PictureStyle = PictureStyle()) throws -> [UInt8]? {
        guard let last = frames.last else { return nil }
        let view = PlanarView(for: last.points)
        let extent = frames.reduce(ScatterLimits.Extent.none) { extent, frame in
            extent.union(.init(of: view.place(frame.points).points))
        }
        let palette = IndexedPalette(classes: style.palette.colours)
        let size = style.size ?? ScatterFigure.naturalSize
        var encoder = try GIFEncoder(width: size.width, height: size.height, palette: palette.colours)
        let delay = min(max(Self.duration / frames.count, Self.delays.lowerBound), Self.delays.upperBound)
        for (index, frame) in frames.enumerated() {
            let figure = ScatterFigure(
                title: title, subtitle: subtitle(frame, view), view: view, classNames: classNames, holding: extent,
                size: size, colours: style.palette.colours)
            let canvas = try Canvas(width: size.width, height: size.height, scale: 1)
            let (placed, dropped) = view.place(frame.points)
            figure.draw(placed, dropped: dropped, on: canvas)
            let pixels = try canvas.pixels().map(palette.index)
            try encoder.add(pixels, centiseconds: index == frames.count - 1 ? Self.lastDelay : delay)
        }
        return try encoder.finish()
    }

    private func subtitle(_ frame: Frame, _ view: PlanarView) -> String {
        let epoch = frame.epoch == 0 ? "before training" : "epoch \(frame.epoch)"
        return [epoch, view.remark(dimensions: frame.points.dimensions)].compactMap(\.self).joined(separator: " · ")
    }
}
