// The ten class colours and the fixed 256-colour palette of the animation. No drawing.

/// Colours of the classes.
///
/// Found by maximizing the least distance between any two of the ten (Oklab × 100, chroma × 1.6) as seen with normal
/// vision and with protanopia, deuteranopia and tritanopia (Machado et al. 2009), hues held near the familiar order of
/// blue, orange, green, red, …, light enough to tell apart and dark enough for white paper. The closest pair is 19.1
/// apart for normal vision and 13.0 at worst for a colour-blind reader; Petroff's ten (2021) have 13.7 and 9.6,
/// matplotlib's tab10 14.7 and 1.0.
package enum Palette {
    package static let classes: [Colour] = [
        0x075CB0, 0xF27502, 0x8CC580, 0x820C23, 0x9E7FF1, 0xA35B37, 0x701D72, 0x6D6D7D, 0xE9CE0C, 0x38CDEA,
    ].map(Colour.init(hex:))

    static let white = Colour(hex: 0xFFFFFF)
}

/// At most 256 colours to which all frames of an animation are reduced: white and greys (frame, text), ramps from white to
/// each class colour (translucent markers, antialiasing), and the mixtures of two classes where their markers overlap.
/// Made once from the class colours, so white stays white and colours do not flicker from frame to frame.
struct IndexedPalette: Sendable {
    private static let greys = 16
    private static let ramp = 14

    /// 256 colours; index 0 is white.
    let colours: [Colour]
    private let lookup: [UInt8]

    init(classes: [Colour]) {
        var colours = (0..<Self.greys).map {
            Palette.white.mixed(with: PlotStyle.ink, Double($0) / Double(Self.greys - 1))
        }
        colours += [PlotStyle.grid, PlotStyle.frame]
        for colour in classes {
            colours += (1...Self.ramp).map { Palette.white.mixed(with: colour, Double($0) / Double(Self.ramp)) }
        }
        for (index, first) in classes.enumerated() {
            for second in classes[(index + 1)...] {
                let mixture = first.mixed(with: second, 0.5)
                colours += [mixture, mixture.mixed(with: Palette.white, 0.45)]
            }
        }
        precondition(colours.count <= 256, "\(colours.count) colours do not fit a GIF palette")
        self.colours = colours + Array(repeating: Palette.white, count: 256 - colours.count)
        lookup = Self.nearest(colours)
    }

    /// Index of the nearest colour of a pixel `0x??RRGGBB`.
    func index(of pixel: UInt32) -> UInt8 { lookup[Self.cell(pixel)] }

    /// Five bits of each channel.
    private static func cell(_ pixel: UInt32) -> Int {
        let (red, green, blue) = (pixel >> 19 & 31, pixel >> 11 & 31, pixel >> 3 & 31)
        return Int(red << 10 | green << 5 | blue)
    }

    /// The nearest colour (squared distance, green weighted as the eye does) for every 5-bit cell.
    private static func nearest(_ colours: [Colour]) -> [UInt8] {
        let palette = colours.map { SIMD4<Float>(Float($0.red), Float($0.green), Float($0.blue), 0) }
        let weights = SIMD4<Float>(2, 4, 3, 0)
        return (0..<32 * 32 * 32).map { cell in
            let target = SIMD4<Float>(Float(cell >> 10), Float(cell >> 5 & 31), Float(cell & 31), 0) / 31
            var best = (index: 0, distance: Float.infinity)
            for (index, colour) in palette.enumerated() {
                let difference = colour - target
                let distance = (difference * difference * weights).sum()
                if distance < best.distance { best = (index, distance) }
            }
            return UInt8(best.index)
        }
    }
}
