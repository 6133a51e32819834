// An image turned, scaled and moved: eight pixels of a row at once.
internal import CVector

/// Where a pixel (x, y) of the moved image comes from: (u, v) = m·(x − c, y − c) + c + shift, with c the centre and m = [cosine −sine; sine cosine].
package struct ImageMotion: Equatable, Sendable {
    package let cosine: Float
    package let sine: Float
    /// In pixels.
    package let shiftX: Float
    package let shiftY: Float

    package init(cosine: Float, sine: Float, shiftX: Float, shiftY: Float) {
        precondition(
            cosine.isFinite && sine.isFinite && shiftX.isFinite && shiftY.isFinite, "a motion that leads nowhere")
        (self.cosine, self.sine, self.shiftX, self.shiftY) = (cosine, sine, shiftX, shiftY)
    }
}

/// Floats of an image of `side` × `side` pixels inside a border of zeros, as `moveImage` wants it.
package func borderedCount(side: Int) -> Int { (side + 3) * borderedWidth(side) }

/// Before the first column there is one of zeros, behind the last at least two; the same for rows.
private func borderedWidth(_ side: Int) -> Int { side + 3 }

/// An image moved, with bilinear interpolation; black where nothing comes from.
///
/// - Parameters:
///   - image: [side][side]
///   - bordered: memory for `borderedCount` floats, zero at first
///   - target: [side][side]
package func moveImage(
    _ image: UnsafePointer<UInt8>, side: Int, by motion: ImageMotion, bordered: UnsafeMutablePointer<Float>,
    into target: UnsafeMutablePointer<UInt8>
) {
    let width = borderedWidth(side)
    for y in 0..<side {
        for x in 0..<side { bordered[(y + 1) * width + x + 1] = Float(image[y * side + x]) }
    }
    let centre = splat(Float(side - 1) / 2)
    let columns = Lanes(0, 1, 2, 3, 4, 5, 6, 7)
    for y in 0..<side {
        let dy = splat(Float(y)) - centre
        let (sineY, cosineY) = (splat(motion.sine) * dy, splat(motion.cosine) * dy)
        for first in stride(from: 0, to: side, by: laneCount) {
            let dx = splat(Float(first)) + columns - centre
            let u = splat(motion.cosine) * dx - sineY + centre + splat(motion.shiftX)
            let v = splat(motion.sine) * dx + cosineY + centre + splat(motion.shiftY)
            let bytes = SIMD8<UInt8>(truncatingIfNeeded: samples(of: bordered, width, side, u, v))
            if first + laneCount <= side {
                UnsafeMutableRawPointer(target + y * side + first).storeBytes(of: bytes, as: SIMD8<UInt8>.self)
            } else {
                for lane in 0..<side - first { target[y * side + first + lane] = bytes[lane] }
            }
        }
    }
}

/// The image at (u, v), rounded.
@inline(__always)
private func samples(of bordered: UnsafePointer<Float>, _ width: Int, _ side: Int, _ u: Lanes, _ v: Lanes) -> SIMD8<
    Int32
> {
    // What lies outside is as black as the border.
    let (u, v) = (within(u, side), within(v, side))
    // Columns and rows of the bordered image, which are one more: of what is not negative the truncated number is the floor.
    let (left, top) = (integers_of(u + 1), integers_of(v + 1))
    let (right, bottom) = (u - (floats_of(left) - 1), v - (floats_of(top) - 1))
    let places = top &* Int32(width) &+ left
    var (a, b, c, d) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
    for lane in 0..<laneCount {
        let place = bordered + Int(places[lane])
        (a[lane], b[lane], c[lane], d[lane]) = (place[0], place[1], place[width], place[width + 1])
    }
    let upper = a * (1 - right) + b * right
    let lower = c * (1 - right) + d * right
    let value = upper * (1 - bottom) + lower * bottom + 0.5
    let clamped = value.replacing(with: splat(255), where: value .> splat(255))
    return integers_of(clamped.replacing(with: Lanes.zero, where: clamped .< Lanes.zero))
}

@inline(__always)
private func within(_ x: Lanes, _ side: Int) -> Lanes {
    let below = x.replacing(with: splat(-1), where: x .< splat(-1))
    return below.replacing(with: splat(Float(side)), where: below .> splat(Float(side)))
}
