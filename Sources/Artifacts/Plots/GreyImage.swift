// Grey pictures, pixel for pixel, and scaled. What is in them is not known here. As PNG files: GreyImage+PNG.swift.

/// Rows of pixels from the top left, 0 black to 255 white.
package struct GreyImage: Equatable, Sendable {
    package let width: Int
    package let height: Int
    package var pixels: [UInt8]

    package init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0 && pixels.count == width * height, "\(pixels.count) pixels")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    package subscript(x: Int, y: Int) -> UInt8 { pixels[y * width + x] }

    /// A part of it, which lies inside.
    package func cropped(x: Range<Int>, y: Range<Int>) -> GreyImage {
        GreyImage(width: x.count, height: y.count, pixels: y.flatMap { row in x.map { self[$0, row] } })
    }

    /// The same in another size: each new pixel is the mean of the area that it covers.
    package func resized(width newWidth: Int, height newHeight: Int) -> GreyImage {
        let columns = Self.shares(from: width, to: newWidth)
        let rows = Self.shares(from: height, to: newHeight)
        var pixels = [UInt8](repeating: 0, count: newWidth * newHeight)
        for y in 0..<newHeight {
            for x in 0..<newWidth {
                var (sum, area) = (0.0, 0.0)
                for (row, down) in rows[y] {
                    for (column, across) in columns[x] {
                        sum += Double(self[column, row]) * down * across
                        area += down * across
                    }
                }
                pixels[y * newWidth + x] = UInt8(min(max((sum / area).rounded(), 0), 255))
            }
        }
        return GreyImage(width: newWidth, height: newHeight, pixels: pixels)
    }

    /// For each new place the old places that it covers, with their shares.
    private static func shares(from old: Int, to new: Int) -> [[(place: Int, share: Double)]] {
        let scale = Double(old) / Double(new)
        return (0..<new).map { place in
            let (start, end) = (Double(place) * scale, Double(place + 1) * scale)
            return (Int(start)...min(Int(end), old - 1)).compactMap { index in
                let share = min(end, Double(index + 1)) - max(start, Double(index))
                return share > 1e-9 ? (index, share) : nil
            }
        }
    }
}
