// Naive twin of the kernel that moves images. For tests only.

/// Twin of `moveImage`.
package func naiveMoveImage(
    _ image: UnsafePointer<UInt8>, side: Int, by motion: ImageMotion, into target: UnsafeMutablePointer<UInt8>
) {
    let centre = Float(side - 1) / 2
    for y in 0..<side {
        for x in 0..<side {
            let (dx, dy) = (Float(x) - centre, Float(y) - centre)
            let u = motion.cosine * dx - motion.sine * dy + centre + motion.shiftX
            let v = motion.sine * dx + motion.cosine * dy + centre + motion.shiftY
            target[y * side + x] = sample(image, side, u, v)
        }
    }
}

private func sample(_ image: UnsafePointer<UInt8>, _ side: Int, _ u: Float, _ v: Float) -> UInt8 {
    guard u > -1, v > -1, u < Float(side), v < Float(side) else { return 0 }
    // Of a number above −1 the truncated one of its successor is one more than its floor.
    let (left, top) = (Int(u + 1) - 1, Int(v + 1) - 1)
    let (right, bottom) = (u - Float(left), v - Float(top))
    func pixel(_ x: Int, _ y: Int) -> Float {
        x >= 0 && y >= 0 && x < side && y < side ? Float(image[y * side + x]) : 0
    }
    let upper = pixel(left, top) * (1 - right) + pixel(left + 1, top) * right
    let lower = pixel(left, top + 1) * (1 - right) + pixel(left + 1, top + 1) * right
    return UInt8(max(0, min(255, upper * (1 - bottom) + lower * bottom + 0.5)))
}
