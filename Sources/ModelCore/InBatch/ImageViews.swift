// The two views of an image that NT-Xent tells from those of all others: the image turned, scaled and moved a little (of the
// augmentations of Chen et al. 2020 those that make sense for drawings of one colour; a mirrored or cropped digit is another one).
package import Kernels

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
    private let bordered: UnsafeMutablePointer<Float>

    package init(_ noise: NoisePlan) {
        self.noise = noise
        pixels = .allocate(capacity: microbatchSize * imagePixels)
        bordered = .allocate(capacity: borderedCount(side: Self.side))
        bordered.initialize(repeating: 0, count: borderedCount(side: Self.side))
    }

    deinit {
        pixels.deallocate()
        bordered.deallocate()
    }

    /// View number `view` of the images of a microbatch, [example][784]; valid until the next call.
    package func view(_ view: Int, of microbatch: Microbatch) -> UnsafePointer<UInt8> {
        let (stream, first) = noise.stream(
            of: microbatch.positions, training: .augmentation, validation: .validationAugmentation)
        for example in 0..<microbatch.examples {
            let place = example * imagePixels
            moveImage(
                microbatch.pixels + place, side: Self.side,
                by: ImageMotion(stream, position: first &+ example, view: view), bordered: bordered,
                into: pixels + place)
        }
        return UnsafePointer(pixels)
    }
}

extension ImageMotion {
    /// Words 4·view to 4·view + 3 of the position: angle, scale, shifts.
    package init(_ stream: RandomStream, position: Int, view: Int) {
        func number(_ draw: Int) -> Double { 2 * Double(stream.uniform(at: position, draw: 4 * view + draw)) - 1 }
        let turns = number(0) * ImageViews.largestAngle
        let (smallest, largest) = ImageViews.scales
        let scale = 1 / ((smallest + largest) / 2 + number(1) * (largest - smallest) / 2)
        self.init(
            cosine: Float(scale * cosineOfTurns(turns < 0 ? turns + 1 : turns)),
            sine: Float(scale * cosineOfTurns(turns < 0.25 ? turns + 0.75 : turns - 0.25)),
            shiftX: Float(number(2) * ImageViews.largestShift), shiftY: Float(number(3) * ImageViews.largestShift))
    }
}
