// How all pictures look: fonts, sizes and greys, in one place. Sizes are in points at a picture width of 800.

/// The constants of the pictures' look.
package enum PlotStyle {
    static let font = "DejaVu Sans"
    static let titleSize = 17.0
    static let subtitleSize = 12.5
    static let labelSize = 15.0
    static let tickSize = 12.5
    static let legendSize = 13.0

    static let ink = Colour(hex: 0x1A1A1A)
    static let quiet = Colour(hex: 0x595959)
    static let frame = Colour(hex: 0x8C8C8C)
    static let grid = Colour(hex: 0xE6E6E6)
    static let warning = Colour(hex: 0xA61E1E)
    static let frameWidth = 0.8
    static let gridWidth = 0.7
    static let tickLength = 4.0
    /// What a title leaves free at the right edge.
    static let rightMargin = 16.0

    /// Pixels per point of a PNG: sharp on a dense screen and in print.
    static let pngScale = 2.0

    /// Radius (points) and opacity of a marker among `count`: large and solid for few, small and translucent for many,
    /// so that density shows as depth of colour and no class is buried.
    static func marker(count: Int) -> (radius: Double, alpha: Double) {
        // Both fall with the 3/16th power of the count: between as 1/4, which loses lone points, and as 1/8, which
        // fills the plane. Chosen by eye at 300, 10,000 and 60,000 points.
        let eighth = (300 / Double(max(count, 300))).squareRoot().squareRoot().squareRoot()
        let crowding = eighth * eighth.squareRoot()
        return (3.4 * crowding, 0.9 * crowding)
    }
}

/// A line of text in runs of one style each: enough for z₁ and 10³ without a markup language.
package struct RichText: Equatable, Sendable, ExpressibleByStringLiteral {
    struct Run: Equatable, Sendable {
        var text: String
        var isItalic = false
        var isBold = false
        var sizeFactor = 1.0
        /// Distance of the baseline below the line's, in font sizes.
        var rise = 0.0
    }

    var runs: [Run]

    package init(_ text: String) { runs = [Run(text: text)] }
    package init(stringLiteral value: String) { self.init(value) }
    init(runs: [Run]) { self.runs = runs }

    static func bold(_ text: String) -> RichText { RichText(runs: [Run(text: text, isBold: true)]) }
    static func italic(_ text: String) -> RichText { RichText(runs: [Run(text: text, isItalic: true)]) }
    static func lowered(_ text: String) -> RichText { RichText(runs: [Run(text: text, sizeFactor: 0.7, rise: 0.17)]) }
    static func raised(_ text: String) -> RichText { RichText(runs: [Run(text: text, sizeFactor: 0.7, rise: -0.38)]) }

    /// A variable with an index, as mathematics is set.
    static func variable(_ name: String, _ index: Int) -> RichText { italic(name) + lowered(String(index)) }

    /// " (×10ⁿ)", where tick labels leave a power of ten to the axis's name.
    static func factor(_ exponent: Int) -> RichText {
        guard exponent != 0 else { return "" }
        return "  (×10" + .raised((exponent < 0 ? "\u{2212}" : "") + String(abs(exponent))) + ")"
    }

    static func + (left: RichText, right: RichText) -> RichText { RichText(runs: left.runs + right.runs) }
}
