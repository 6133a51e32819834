// The two views of an image that NT-Xent tells from those of all others: the image turned, scaled and moved a little (of the
// augmentations of Chen et al. 2020 those that make sense for drawings of one colour; a mirrored or cropped digit is another one).

/// Views of the images of a microbatch, each a pure function of the run's seed, the example's position, and the view's number.
package final class ImageViews {
    /// In turns: 15 degrees either way.
    static let largestAngle = 15.0 / 360
    static let scales = (smallest: 0.9, largest: 1.1)
    /// In pixels, either way.
    static let largestShift = 2.0
    private static let side = 28

    private let noise: NoisePlan
    /// [example][784]
    private let pixels: UnsafeMutablePointer<UInt8>

    package init(_ noise: NoisePlan) {
        self.noise = noise
        pixels = .allocate(capacity: microbatchSize * imagePixels)
    }

    deinit { pixels.deallocate() }

    /// View number `view` of the images of a microbatch, [example][784]; valid until the next call.
    package func view(_ view: Int, of microbatch: Microbatch) -> UnsafePointer<UInt8> {
        let (stream, first) = noise.stream(
            of: microbatch.positions, training: .augmentation, validation: .validationAugmentation)
        for example in 0..<microbatch.examples {
            let motion = Motion(stream, position: first &+ example, view: view)
            Self.move(microbatch.pixels + example * imagePixels, by: motion, into: pixels + example * imagePixels)
        }
        return UnsafePointer(pixels)
    }

    /// Where a pixel of a view comes from: (u, v) = m·(x − c) + c + shift.
    package struct Motion: Equatable, Sendable {
        package let cosine: Float
        package let sine: Float
        package let shiftX: Float
        package let shiftY: Float

        package init(cosine: Float, sine: Float, shiftX: Float, shiftY: Float) {
            (self.cosine, self.sine, self.shiftX, self.shiftY) = (cosine, sine, shiftX, shiftY)
        }

        /// Words 4·view to 4·view + 3 of the position: angle, scale, shifts.
        package init(_ stream: RandomStream, position: Int, view: Int) {
            func number(_ draw: Int) -> Double { 2 * Double(stream.uniform(at: position, draw: 4 * view + draw)) - 1 }
            let turns = number(0) * ImageViews.largestAngle
            let (smallest, largest) = ImageViews.scales
            let scale = 1 / ((smallest + largest) / 2 + number(1) * (largest - smallest) / 2)
            cosine = Float(scale * cosineOfTurns(turns < 0 ? turns + 1 : turns))
            sine = Float(scale * cosineOfTurns(turns < 0.25 ? turns + 0.75 : turns - 0.25))
            shiftX = Float(number(2) * ImageViews.largestShift)
            shiftY = Float(number(3) * ImageViews.largestShift)
        }
    }

    /// Bilinear, black outside of the image.
    package static func move(
        _ source: UnsafePointer<UInt8>, by motion: Motion, into target: UnsafeMutablePointer<UInt8>
    ) {
        let centre = Float(side - 1) / 2
        for y in 0..<side {
            for x in 0..<side {
                let (dx, dy) = (Float(x) - centre, Float(y) - centre)
                let u = motion.cosine * dx - motion.sine * dy + centre + motion.shiftX
                let v = motion.sine * dx + motion.cosine * dy + centre + motion.shiftY
                target[y * side + x] = sample(source, u, v)
            }
        }
    }

    @inline(__always)
    private static func sample(_ image: UnsafePointer<UInt8>, _ u: Float, _ v: Float) -> UInt8 {
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
}
