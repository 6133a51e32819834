// The only file that talks to giflib: indexed frames to the bytes of a looping GIF89a. Knows no pictures and opens no file.

import CGIF

/// What giflib refused, in its own words.
package struct GIFError: Error, Equatable, CustomStringConvertible {
    package let reason: String
    package var description: String { "cannot write the animation: \(reason)" }
}

/// Writes frames of one size and one palette. Only the rectangle that changed since the frame before is stored.
struct GIFEncoder: ~Copyable {
    private let width: Int
    private let height: Int
    private let file: UnsafeMutablePointer<GifFileType>
    private let output: Output
    private var shown: [UInt8]?

    /// The bytes so far; a class, so that giflib's callback can hold on to it.
    private final class Output {
        var bytes: [UInt8] = []
    }

    /// `palette` has a power of two of colours, 256 at most. The animation repeats for ever.
    init(width: Int, height: Int, palette: [Colour]) throws(GIFError) {
        let output = Output()
        var code: Int32 = 0
        let opened = EGifOpen(
            Unmanaged.passUnretained(output).toOpaque(),
            { file, data, count in
                guard let target = file?.pointee.UserData, let data else { return 0 }
                let output = Unmanaged<Output>.fromOpaque(target).takeUnretainedValue()
                output.bytes.append(contentsOf: UnsafeBufferPointer(start: data, count: Int(count)))
                return count
            }, &code)
        guard let opened else { throw Self.error(code) }
        do {
            try Self.begin(opened, width: width, height: height, palette: palette)
        } catch {
            EGifCloseFile(opened, nil)
            throw error
        }
        self.width = width
        self.height = height
        self.output = output
        file = opened
    }

    deinit { if !isFinished { EGifCloseFile(file, nil) } }

    private var isFinished = false

    private static func begin(
        _ file: UnsafeMutablePointer<GifFileType>, width: Int, height: Int, palette: [Colour]
    ) throws(GIFError) {
        var colours = palette.map { colour in
            GifColorType(
                Red: UInt8(colour.hex >> 16), Green: UInt8(colour.hex >> 8 & 0xFF), Blue: UInt8(colour.hex & 0xFF))
        }
        // Nil when the count is no power of two.
        guard let map = GifMakeMapObject(Int32(colours.count), &colours) else {
            throw GIFError(reason: "a palette of \(colours.count) colours")
        }
        defer { GifFreeMapObject(map) }
        EGifSetGifVersion(file, true)
        try check(EGifPutScreenDesc(file, Int32(width), Int32(height), 8, 0, map), file)
        // The looping extension of Netscape Navigator 2.0: sub-block 1, repeat count 0 (for ever).
        let application = Array("NETSCAPE2.0".utf8)
        let loop: [UInt8] = [1, 0, 0]
        try check(EGifPutExtensionLeader(file, APPLICATION_EXT_FUNC_CODE), file)
        try check(EGifPutExtensionBlock(file, Int32(application.count), application), file)
        try check(EGifPutExtensionBlock(file, Int32(loop.count), loop), file)
        try check(EGifPutExtensionTrailer(file), file)
    }

    /// Adds a frame of `width` × `height` palette indices, row by row, shown for `centiseconds`.
    mutating func add(_ pixels: [UInt8], centiseconds: Int) throws(GIFError) {
        precondition(pixels.count == width * height, "\(pixels.count) pixels")
        let area = changedArea(pixels)
        shown = pixels
        var block = GraphicsControlBlock(
            DisposalMode: DISPOSE_DO_NOT, UserInputFlag: false, DelayTime: Int32(centiseconds),
            TransparentColor: NO_TRANSPARENT_COLOR)
        var control = [UInt8](repeating: 0, count: 4)
        EGifGCBToExtension(&block, &control)
        try Self.check(EGifPutExtension(file, GRAPHICS_EXT_FUNC_CODE, 4, control), file)
        try Self.check(
            EGifPutImageDesc(
                file, Int32(area.columns.lowerBound), Int32(area.rows.lowerBound), Int32(area.columns.count),
                Int32(area.rows.count), false, nil), file)
        for row in area.rows {
            let start = row * width
            var line = Array(pixels[start + area.columns.lowerBound..<start + area.columns.upperBound])
            try Self.check(EGifPutLine(file, &line, Int32(line.count)), file)
        }
    }

    /// The smallest rectangle holding all pixels that differ from the frame before; one pixel when none does, as a frame
    /// must have a size.
    private func changedArea(_ pixels: [UInt8]) -> (columns: Range<Int>, rows: Range<Int>) {
        guard let shown else { return (0..<width, 0..<height) }
        var (left, right, top, bottom) = (width, 0, height, 0)
        for row in 0..<height {
            let start = row * width
            let differs = { (column: Int) in pixels[start + column] != shown[start + column] }
            guard let first = (0..<width).first(where: differs), let last = (0..<width).last(where: differs) else {
                continue
            }
            (left, right) = (min(left, first), max(right, last + 1))
            (top, bottom) = (min(top, row), row + 1)
        }
        return left < right ? (left..<right, top..<bottom) : (0..<1, 0..<1)
    }

    /// Ends the file and hands out its bytes.
    consuming func finish() throws(GIFError) -> [UInt8] {
        isFinished = true
        var code: Int32 = 0
        guard EGifCloseFile(file, &code) == GIF_OK else { throw Self.error(code) }
        return output.bytes
    }

    private static func check(_ status: Int32, _ file: UnsafeMutablePointer<GifFileType>) throws(GIFError) {
        guard status == GIF_OK else { throw error(file.pointee.Error) }
    }

    private static func error(_ code: Int32) -> GIFError {
        GIFError(reason: GifErrorString(code).map { String(cString: $0) } ?? "error \(code)")
    }
}
