// Reads back the pictures that the tests made: PNG through cairo, GIF through giflib. For tests only.

import CCairo
import CGIF

/// The pixels of a decoded picture, `0x??RRGGBB`. Loops are written for speed without optimization: tests are debug builds.
struct Picture {
    let width: Int
    let height: Int
    let pixels: [UInt32]

    subscript(x: Int, y: Int) -> UInt32 { pixels[y * width + x] & 0xFFFFFF }

    /// Number of pixels of exactly this colour.
    func count(of colour: UInt32) -> Int {
        pixels.withUnsafeBufferPointer { pixels in
            var count = 0
            var index = 0
            while index < pixels.count {
                if pixels[index] & 0xFFFFFF == colour { count += 1 }
                index += 1
            }
            return count
        }
    }
}

private final class Source {
    let bytes: [UInt8]
    var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func read(into target: UnsafeMutablePointer<UInt8>, _ count: Int) -> Bool {
        guard position + count <= bytes.count else { return false }
        for index in 0..<count { target[index] = bytes[position + index] }
        position += count
        return true
    }
}

extension Picture {
    /// Nil when `bytes` are no PNG.
    init?(png bytes: [UInt8]) {
        let surface = withExtendedLifetime(Source(bytes)) { source in
            cairo_image_surface_create_from_png_stream(
                { closure, data, count in
                    guard let closure, let data else { return CAIRO_STATUS_READ_ERROR }
                    let source = Unmanaged<Source>.fromOpaque(closure).takeUnretainedValue()
                    return source.read(into: data, Int(count)) ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_READ_ERROR
                }, Unmanaged.passUnretained(source).toOpaque())
        }
        defer { cairo_surface_destroy(surface) }
        guard cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS, let data = cairo_image_surface_get_data(surface)
        else { return nil }
        width = Int(cairo_image_surface_get_width(surface))
        height = Int(cairo_image_surface_get_height(surface))
        let stride = Int(cairo_image_surface_get_stride(surface))
        var pixels: [UInt32] = []
        for row in 0..<height {
            let line = UnsafeRawPointer(data + row * stride).assumingMemoryBound(to: UInt32.self)
            pixels.append(contentsOf: UnsafeBufferPointer(start: line, count: width))
        }
        self.pixels = pixels
    }
}

/// A decoded animation.
struct Animation {
    struct Frame {
        let centiseconds: Int
        /// The whole screen after this frame.
        let picture: Picture
    }

    let loopsForEver: Bool
    let frames: [Frame]

    /// Nil when `bytes` are no GIF.
    init?(gif bytes: [UInt8]) {
        let source = Source(bytes)
        defer { withExtendedLifetime(source) {} }
        let opened = DGifOpen(
            Unmanaged.passUnretained(source).toOpaque(),
            { file, data, count in
                guard let target = file?.pointee.UserData, let data else { return 0 }
                return Unmanaged<Source>.fromOpaque(target).takeUnretainedValue().read(into: data, Int(count))
                    ? count : 0
            }, nil)
        guard let opened else { return nil }
        defer { DGifCloseFile(opened, nil) }
        guard DGifSlurp(opened) == GIF_OK, let map = opened.pointee.SColorMap else { return nil }
        let colours = (0..<Int(map.pointee.ColorCount)).map { index in
            let colour = map.pointee.Colors[index]
            return UInt32(colour.Red) << 16 | UInt32(colour.Green) << 8 | UInt32(colour.Blue)
        }
        let (width, height) = (Int(opened.pointee.SWidth), Int(opened.pointee.SHeight))
        var screen = [UInt32](repeating: 0, count: width * height)
        frames = (0..<Int(opened.pointee.ImageCount)).map { index in
            let image = opened.pointee.SavedImages[index]
            let area = image.ImageDesc
            for row in 0..<Int(area.Height) {
                for column in 0..<Int(area.Width) {
                    let place = (Int(area.Top) + row) * width + Int(area.Left) + column
                    screen[place] = colours[Int(image.RasterBits[row * Int(area.Width) + column])]
                }
            }
            var block = GraphicsControlBlock()
            DGifSavedExtensionToGCB(opened, Int32(index), &block)
            return Frame(
                centiseconds: Int(block.DelayTime), picture: Picture(width: width, height: height, pixels: screen))
        }
        let loop = Array("NETSCAPE2.0".utf8) + [3, 1, 0, 0, 0]
        loopsForEver = bytes.indices.contains { bytes[$0...].starts(with: loop) }
    }
}
