// The dots of a scatter, many of them: on a bitmap stamped, in a drawing each a line without length, or, where they are too many for
// whoever opens the file, one picture of them all. The other file that talks to cairo.
import CCairo

/// A disc drawn once at each of 4 × 4 sub-pixel positions, as coverage. Stamping it costs a small copy, so sixty thousand
/// points take a fraction of a second and still lie within an eighth of a pixel of their place.
private final class Marker {
    static let steps = 4
    let masks: [OpaquePointer]
    /// Pixels from a mask's edge to the middle of the pixel grid cell that the disc is centred in.
    let reach: Int

    /// `radius` in pixels, `alpha` 0...1.
    init(radius: Double, alpha: Double) {
        let reach = Int(radius.rounded(.up)) + 1
        self.reach = reach
        masks = (0..<Self.steps * Self.steps).compactMap { index in
            let side = Int32(2 * reach + 1)
            let mask = cairo_image_surface_create(CAIRO_FORMAT_A8, side, side)
            let context = cairo_create(mask)
            let shift = (Double(index % Self.steps), Double(index / Self.steps))
            cairo_set_source_rgba(context, 0, 0, 0, alpha)
            cairo_arc(
                context, Double(reach) + shift.0 / Double(Self.steps), Double(reach) + shift.1 / Double(Self.steps),
                radius, 0, 2 * .pi)
            cairo_fill(context)
            cairo_destroy(context)
            cairo_surface_flush(mask)
            return mask
        }
    }

    deinit { for mask in masks { cairo_surface_destroy(mask) } }
}

/// Points that are drawn as discs of one size.
struct MarkedPoints {
    /// In the order in which they are drawn; `colour` is an index of `colours`.
    let points: [(place: Point, colour: Int)]
    let colours: [Colour]
    /// In points.
    let radius: Double
    /// Opacity, 0...1.
    let alpha: Double

    /// Points that are drawn one by one, while the file is not much larger than with one picture of them: in PDF 60,000 take 0.7 MB
    /// (the picture 2.5 MB), in SVG 10,000 take 2 MB (1.9 MB), and 60,000 would take 12 MB.
    fileprivate static func mostDrawn(in format: PictureFormat) -> Int { format == .pdf ? 100_000 : 10_000 }
    /// Pixels per point of the picture that stands for more.
    fileprivate static let layerScale = 4.0

    /// On a bitmap, where the context puts points.
    fileprivate func stamp(on context: OpaquePointer?) {
        var matrix = cairo_matrix_t()
        cairo_get_matrix(context, &matrix)
        let marker = Marker(radius: radius * matrix.xx, alpha: alpha)
        let sources = colours.map { cairo_pattern_create_rgb($0.red, $0.green, $0.blue) }
        defer { for source in sources { cairo_pattern_destroy(source) } }
        cairo_save(context)
        cairo_identity_matrix(context)
        let steps = Marker.steps
        for point in points {
            let x = Int(((point.place.x * matrix.xx + matrix.x0) * Double(steps)).rounded())
            let y = Int(((point.place.y * matrix.yy + matrix.y0) * Double(steps)).rounded())
            // Arithmetic shifts and masks round toward minus infinity also left of the origin.
            let mask = marker.masks[(y & (steps - 1)) * steps + (x & (steps - 1))]
            cairo_set_source(context, sources[point.colour])
            cairo_mask_surface(context, mask, Double((x >> 2) - marker.reach), Double((y >> 2) - marker.reach))
        }
        cairo_restore(context)
    }
}

extension Canvas {
    /// Draws the points, in their order. Nothing is clipped on a bitmap; `box` holds all of them.
    func mark(_ marked: MarkedPoints, within box: Box) {
        if format == .png {
            marked.stamp(on: context)
        } else if marked.points.count <= MarkedPoints.mostDrawn(in: format) {
            cairo_save(context)
            cairo_set_line_cap(context, CAIRO_LINE_CAP_ROUND)
            cairo_set_line_width(context, 2 * marked.radius)
            // A line without length and with round ends: the shortest way to say "a disc", a third of the bytes of a circle's curves.
            for point in marked.points {
                set(marked.colours[point.colour], alpha: marked.alpha)
                cairo_move_to(context, point.place.x, point.place.y)
                cairo_line_to(context, point.place.x, point.place.y)
                cairo_stroke(context)
            }
            cairo_restore(context)
        } else {
            layer(marked, within: box)
        }
    }

    /// The points as one transparent picture.
    private func layer(_ marked: MarkedPoints, within box: Box) {
        let (scale, margin) = (MarkedPoints.layerScale, marked.radius + 1)
        let origin = Point(x: box.left - margin, y: box.top - margin)
        let image = cairo_image_surface_create(
            CAIRO_FORMAT_ARGB32, Int32((box.width + 2 * margin) * scale), Int32((box.height + 2 * margin) * scale))
        let pen = cairo_create(image)
        cairo_scale(pen, scale, scale)
        cairo_translate(pen, -origin.x, -origin.y)
        marked.stamp(on: pen)
        cairo_destroy(pen)
        cairo_save(context)
        cairo_translate(context, origin.x, origin.y)
        cairo_scale(context, 1 / scale, 1 / scale)
        cairo_set_source_surface(context, image, 0, 0)
        cairo_paint(context)
        cairo_restore(context)
        cairo_surface_destroy(image)
    }
}
