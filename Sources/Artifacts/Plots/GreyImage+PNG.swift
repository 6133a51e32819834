// Grey pictures as PNG files (W3C, "Portable Network Graphics", third edition): any PNG is read, in grey; grey ones are written.
internal import CCairo

/// A PNG that cannot be read.
package struct PictureError: Error, Equatable, CustomStringConvertible {
    package let file: String
    package let reason: String
    package var description: String { "\(file): \(reason)" }
}

extension GreyImage {
    /// Pixels of the largest picture that is read.
    private static let mostPixels = 1 << 26

    /// Any PNG, in grey (ITU-R BT.601: 0.299 red, 0.587 green, 0.114 blue).
    /// - Parameters:
    ///   - file: the name for messages
    ///   - background: what is seen through transparent places, 0...255
    package init(png bytes: [UInt8], file: String, background: UInt8 = 255) throws(PictureError) {
        let chunks: PNGChunks
        do { chunks = try PNGChunks(bytes) } catch { throw PictureError(file: file, reason: error.reason) }
        guard chunks.width * chunks.height <= Self.mostPixels else {
            throw PictureError(file: file, reason: "\(chunks.width) × \(chunks.height) pixels. Make it smaller")
        }
        let source = ByteSource(chunks.essential)
        let surface = withExtendedLifetime(source) {
            cairo_image_surface_create_from_png_stream(
                { closure, data, count in
                    guard let closure, let data else { return CAIRO_STATUS_READ_ERROR }
                    let source = Unmanaged<ByteSource>.fromOpaque(closure).takeUnretainedValue()
                    return source.read(Int(count), into: data) ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_READ_ERROR
                }, Unmanaged.passUnretained(source).toOpaque())
        }
        defer { cairo_surface_destroy(surface) }
        let status = cairo_surface_status(surface)
        let format = cairo_image_surface_get_format(surface)
        guard status == CAIRO_STATUS_SUCCESS, format == CAIRO_FORMAT_ARGB32 || format == CAIRO_FORMAT_RGB24,
            let data = cairo_image_surface_get_data(surface)
        else {
            let reason =
                status == CAIRO_STATUS_SUCCESS
                ? "an unusual kind of PNG"
                : String(
                    cString: cairo_status_to_string(status))
            throw PictureError(file: file, reason: "cannot be read (\(reason)). Save it again as an 8-bit PNG")
        }
        self.init(
            surface: data, width: Int(cairo_image_surface_get_width(surface)),
            height: Int(cairo_image_surface_get_height(surface)), stride: Int(cairo_image_surface_get_stride(surface)),
            hasAlpha: format == CAIRO_FORMAT_ARGB32, background: background)
    }

    /// From cairo's memory: 0xAARRGGBB, colours multiplied by alpha already.
    private init(
        surface data: UnsafeMutablePointer<UInt8>, width: Int, height: Int, stride: Int, hasAlpha: Bool,
        background: UInt8
    ) {
        var pixels: [UInt8] = []
        pixels.reserveCapacity(width * height)
        for row in 0..<height {
            let line = UnsafeRawPointer(data + row * stride).assumingMemoryBound(to: UInt32.self)
            for column in 0..<width {
                let pixel = line[column]
                let (red, green, blue) = (pixel >> 16 & 255, pixel >> 8 & 255, pixel & 255)
                let through = hasAlpha ? (255 - (pixel >> 24)) * UInt32(background) / 255 : 0
                pixels.append(UInt8(min((299 * red + 587 * green + 114 * blue + 500) / 1000 + through, 255)))
            }
        }
        self.init(width: width, height: height, pixels: pixels)
    }

    /// As a grey PNG of 8 bits.
    package func png() throws(CanvasError) -> [UInt8] {
        let surface = cairo_image_surface_create(CAIRO_FORMAT_A8, Int32(width), Int32(height))
        defer { cairo_surface_destroy(surface) }
        guard cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS, let data = cairo_image_surface_get_data(surface)
        else { throw CanvasError(reason: "no surface of \(width) × \(height)") }
        cairo_surface_flush(surface)
        let stride = Int(cairo_image_surface_get_stride(surface))
        for row in 0..<height {
            pixels.withUnsafeBufferPointer { pixels in
                guard let start = pixels.baseAddress else { return }
                (data + row * stride).update(from: start + row * width, count: width)
            }
        }
        cairo_surface_mark_dirty(surface)
        return try pngBytes(of: surface)
    }
}

/// Bytes that cairo's callback takes one piece after the other.
private final class ByteSource {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func read(_ count: Int, into target: UnsafeMutablePointer<UInt8>) -> Bool {
        guard count <= bytes.count - position else { return false }
        bytes.withUnsafeBufferPointer { bytes in
            if let start = bytes.baseAddress { target.update(from: start + position, count: count) }
        }
        position += count
        return true
    }
}
