// An opaque sheet with an antialiased pen and text, as a bitmap (PNG) or a drawing (SVG, PDF). With Markers.swift all there is that
// talks to cairo. Knows nothing of plots. Coordinates are in points, y down; `scale` pixels of a bitmap make one point.

import CCairo

/// What cairo refused, in its own words.
package struct CanvasError: Error, Equatable, CustomStringConvertible {
    package let reason: String
    package var description: String { "cannot draw: \(reason); is there enough memory for the picture?" }
}

/// A colour of the sRGB space, channels 0...1.
package struct Colour: Equatable, Sendable {
    let red: Double
    let green: Double
    let blue: Double

    init(red: Double, green: Double, blue: Double) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    /// From `0xRRGGBB`.
    package init(hex: UInt32) {
        func channel(_ shift: UInt32) -> Double { Double((hex >> shift) & 0xFF) / 255 }
        self.init(red: channel(16), green: channel(8), blue: channel(0))
    }

    /// `0xRRGGBB`, rounded.
    package var hex: UInt32 {
        func byte(_ value: Double) -> UInt32 { UInt32((value * 255).rounded()) }
        return byte(red) << 16 | byte(green) << 8 | byte(blue)
    }

    /// The colour a share of the way to another: 0 is self, 1 the other.
    func mixed(with other: Colour, _ share: Double) -> Colour {
        func mix(_ from: Double, _ to: Double) -> Double { from + (to - from) * share }
        return Colour(
            red: mix(red, other.red), green: mix(green, other.green), blue: mix(blue, other.blue))
    }
}

struct Point: Equatable, Sendable {
    var x: Double
    var y: Double
}

struct Box: Equatable, Sendable {
    var left: Double
    var top: Double
    var right: Double
    var bottom: Double

    var width: Double { right - left }
    var height: Double { bottom - top }
}

/// Owns a surface and its context. Cairo's errors are sticky: after one, further drawing does nothing and the status
/// stays, so the status is checked after creation and before anything is taken out. For one thread at a time.
final class Canvas {
    let width: Int
    let height: Int
    /// 1 where there are no pixels.
    let scale: Double
    let format: PictureFormat
    private let surface: OpaquePointer
    let context: OpaquePointer
    /// Where a drawing goes; a bitmap is its own memory.
    private let stream: ByteStream

    /// A white sheet of `width` × `height` points.
    init(width: Int, height: Int, scale: Double, format: PictureFormat = .png) throws(CanvasError) {
        self.width = width
        self.height = height
        self.scale = format == .png ? scale : 1
        self.format = format
        let stream = ByteStream()
        self.stream = stream
        let size = (Double(width) * self.scale, Double(height) * self.scale)
        let surface =
            switch format {
            case .png: cairo_image_surface_create(CAIRO_FORMAT_RGB24, Int32(size.0), Int32(size.1))
            case .svg: cairo_svg_surface_create_for_stream(ByteStream.append, stream.reference, size.0, size.1)
            case .pdf: cairo_pdf_surface_create_for_stream(ByteStream.append, stream.reference, size.0, size.1)
            }
        // Cairo returns an object in an error state rather than NULL.
        guard let surface, let context = cairo_create(surface) else { throw CanvasError(reason: "no surface") }
        self.surface = surface
        self.context = context
        // The bytes are to be a function of the picture: cairo would write the time of day.
        if format == .pdf {
            cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, "1970-01-01T00:00:00Z")
        }
        cairo_scale(context, self.scale, self.scale)
        setFontOptions()
        cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND)
        fill(Box(left: 0, top: 0, right: Double(width), bottom: Double(height)), Colour(hex: 0xFFFFFF))
        try check()
    }

    deinit {
        cairo_destroy(context)
        cairo_surface_destroy(surface)
    }

    private func check() throws(CanvasError) {
        for status in [cairo_status(context), cairo_surface_status(surface)] where status != CAIRO_STATUS_SUCCESS {
            throw CanvasError(reason: String(cString: cairo_status_to_string(status)))
        }
    }

    /// Grey antialiasing and unhinted metrics: text is laid out alike at every scale.
    private func setFontOptions() {
        let options = cairo_font_options_create()
        cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY)
        cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_SLIGHT)
        cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF)
        cairo_set_font_options(context, options)
        cairo_font_options_destroy(options)
    }

    func set(_ colour: Colour, alpha: Double = 1) {
        cairo_set_source_rgba(context, colour.red, colour.green, colour.blue, alpha)
    }

    /// From now on a drawing of `width` × `height` points is as large as the sheet lets it be, in its middle.
    func fit(width drawn: Double, height: Double) {
        let factor = min(Double(width) / drawn, Double(self.height) / height)
        cairo_translate(context, (Double(width) - drawn * factor) / 2, (Double(self.height) - height * factor) / 2)
        cairo_scale(context, factor, factor)
    }
}

/// The bytes that cairo has written so far; a class, so that its callback can hold on to it.
private final class ByteStream {
    private(set) var bytes: [UInt8] = []

    /// Valid while this object lives.
    var reference: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    static let append: @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<UInt8>?, UInt32) -> cairo_status_t = {
        closure, data, count in
        guard let closure, let data else { return CAIRO_STATUS_WRITE_ERROR }
        Unmanaged<ByteStream>.fromOpaque(closure).takeUnretainedValue().bytes
            .append(contentsOf: UnsafeBufferPointer(start: data, count: Int(count)))
        return CAIRO_STATUS_SUCCESS
    }
}

// MARK: - Lines and areas

extension Canvas {
    func fill(_ box: Box, _ colour: Colour) {
        set(colour)
        cairo_rectangle(context, box.left, box.top, box.width, box.height)
        cairo_fill(context)
    }

    func stroke(_ box: Box, _ colour: Colour, width: Double) {
        set(colour)
        cairo_set_line_width(context, width)
        cairo_rectangle(context, box.left, box.top, box.width, box.height)
        cairo_stroke(context)
    }

    /// - Parameter dash: lengths of line and gap, in points; nil: no gaps
    func stroke(_ points: [Point], _ colour: Colour, width: Double, dash: [Double]? = nil) {
        guard let first = points.first else { return }
        set(colour)
        cairo_set_line_width(context, width)
        if let dash { cairo_set_dash(context, dash, Int32(dash.count), 0) }
        defer { if dash != nil { cairo_set_dash(context, nil, 0, 0) } }
        cairo_move_to(context, first.x, first.y)
        for point in points.dropFirst() { cairo_line_to(context, point.x, point.y) }
        cairo_stroke(context)
    }

    /// Puts a grey picture's pixels into a box, each as a square: nothing is smoothed.
    func draw(_ image: GreyImage, in box: Box) {
        let (width, height) = (box.width / Double(image.width), box.height / Double(image.height))
        cairo_save(context)
        // Edges of neighbouring squares must not shine through.
        cairo_set_antialias(context, CAIRO_ANTIALIAS_NONE)
        for y in 0..<image.height {
            for x in 0..<image.width {
                let grey = Double(image[x, y]) / 255
                set(Colour(red: grey, green: grey, blue: grey))
                cairo_rectangle(
                    context, box.left + Double(x) * width, box.top + Double(y) * height, width, height)
                cairo_fill(context)
            }
        }
        cairo_restore(context)
    }

    func disc(_ centre: Point, radius: Double, _ colour: Colour, alpha: Double = 1) {
        set(colour, alpha: alpha)
        cairo_new_sub_path(context)
        cairo_arc(context, centre.x, centre.y, radius, 0, 2 * .pi)
        cairo_fill(context)
    }
}

// MARK: - Images

extension Canvas {
    /// A grey image of `pixels.count / columns` rows, each pixel a sharp rectangle.
    func draw(grey pixels: [UInt8], columns: Int, in box: Box) {
        let rows = pixels.count / columns
        // In an error state, like any of cairo's objects, it draws nothing.
        let image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, Int32(columns), Int32(rows))
        defer { cairo_surface_destroy(image) }
        if let data = cairo_image_surface_get_data(image) {
            let stride = Int(cairo_image_surface_get_stride(image))
            for row in 0..<rows {
                let line = UnsafeMutableRawPointer(data + row * stride).assumingMemoryBound(to: UInt32.self)
                for column in 0..<columns { line[column] = UInt32(pixels[row * columns + column]) * 0x01_0101 }
            }
        }
        cairo_surface_mark_dirty(image)
        cairo_save(context)
        cairo_translate(context, box.left, box.top)
        cairo_scale(context, box.width / Double(columns), box.height / Double(rows))
        cairo_set_source_surface(context, image, 0, 0)
        cairo_pattern_set_filter(cairo_get_source(context), CAIRO_FILTER_NEAREST)
        cairo_rectangle(context, 0, 0, Double(columns), Double(rows))
        cairo_fill(context)
        cairo_restore(context)
    }
}

// MARK: - Text

extension Canvas {
    func width(of text: RichText, size: Double) -> Double {
        text.runs.reduce(0) { width, run in
            select(run, size: size)
            var extents = cairo_text_extents_t()
            cairo_text_extents(context, run.text, &extents)
            return width + extents.x_advance
        }
    }

    /// Writes on a baseline through `at`. `anchor` is the share of the width left of it: 0 begins there, 0.5 centres.
    /// `upward` turns the text to be read from below. A text longer than `room` is written smaller.
    func write(
        _ text: RichText, at: Point, size: Double, _ colour: Colour, anchor: Double = 0, upward: Bool = false,
        room: Double = .infinity
    ) {
        let size = size * min(1, room / max(width(of: text, size: size), 1))
        cairo_save(context)
        cairo_translate(context, at.x, at.y)
        if upward { cairo_rotate(context, -.pi / 2) }
        set(colour)
        var x = -anchor * width(of: text, size: size)
        for run in text.runs {
            select(run, size: size)
            cairo_move_to(context, x, run.rise * size)
            cairo_show_text(context, run.text)
            var extents = cairo_text_extents_t()
            cairo_text_extents(context, run.text, &extents)
            x += extents.x_advance
        }
        cairo_restore(context)
    }

    private func select(_ run: RichText.Run, size: Double) {
        cairo_select_font_face(
            context, PlotStyle.font, run.isItalic ? CAIRO_FONT_SLANT_ITALIC : CAIRO_FONT_SLANT_NORMAL,
            run.isBold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL)
        cairo_set_font_size(context, size * run.sizeFactor)
    }
}

// MARK: - Output

extension Canvas {
    /// The picture as a file of its format. Nothing can be drawn afterwards.
    func encoded() throws(CanvasError) -> [UInt8] {
        try check()
        guard format != .png else { return try pngBytes(of: surface) }
        cairo_surface_finish(surface)
        let status = cairo_surface_status(surface)
        guard status == CAIRO_STATUS_SUCCESS else {
            throw CanvasError(reason: String(cString: cairo_status_to_string(status)))
        }
        return stream.bytes
    }

    /// The picture as a PNG file.
    func png() throws(CanvasError) -> [UInt8] {
        precondition(format == .png, "a canvas for \(format)")
        return try encoded()
    }

    /// The pixels as `0x??RRGGBB`, row by row without padding. Of a bitmap only.
    func pixels() throws(CanvasError) -> [UInt32] {
        cairo_surface_flush(surface)
        try check()
        let (columns, rows) = (
            Int(cairo_image_surface_get_width(surface)), Int(cairo_image_surface_get_height(surface))
        )
        let stride = Int(cairo_image_surface_get_stride(surface))
        guard let data = cairo_image_surface_get_data(surface) else { throw CanvasError(reason: "no pixels") }
        return [UInt32](unsafeUninitializedCapacity: columns * rows) { buffer, count in
            for row in 0..<rows {
                let source = UnsafeRawPointer(data + row * stride).assumingMemoryBound(to: UInt32.self)
                for column in 0..<columns { buffer.initializeElement(at: row * columns + column, to: source[column]) }
            }
            count = columns * rows
        }
    }
}

/// A surface as the bytes of a PNG file.
func pngBytes(of surface: OpaquePointer?) throws(CanvasError) -> [UInt8] {
    let stream = ByteStream()
    let status = cairo_surface_write_to_png_stream(surface, ByteStream.append, stream.reference)
    guard status == CAIRO_STATUS_SUCCESS else {
        throw CanvasError(reason: String(cString: cairo_status_to_string(status)))
    }
    return withExtendedLifetime(stream) { stream.bytes }
}
