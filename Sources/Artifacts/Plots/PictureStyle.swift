// What the user may choose about a picture: file format, size, colours. How pictures look otherwise is in PlotStyle.swift.

/// File formats of pictures.
package enum PictureFormat: String, CaseIterable, Sendable {
    case png
    case svg
    case pdf
}

/// Width and height in points; two pixels of a PNG make a point.
package struct PictureSize: Equatable, Sendable {
    package let width: Int
    package let height: Int

    /// With less, titles and legends have no room; with more, a bitmap takes gigabytes.
    package static let allowed = (width: 480...8000, height: 360...8000)

    package init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }
}

/// Colours for ten classes, by name.
package enum ClassPalette: String, CaseIterable, Sendable {
    /// This project's own, for normal and colour-blind eyes: `Palette`.
    case standard = "default"
    /// Okabe & Ito, "Color universal design" (2008): their eight, blue and vermilion first, then a grey and a brown.
    case okabeIto = "okabe-ito"
    /// "muted" of Paul Tol's "Colour schemes" (2021), safe for colour-blind eyes; its tenth, pale grey, is darkened for white paper.
    case tol
    /// The ten of Petroff, "Accessible color sequences for data visualization" (2021).
    case petroff

    /// Ten colours.
    package var colours: [Colour] {
        switch self {
        case .standard: Palette.classes
        case .okabeIto:
            [
                0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9, 0xF0E442, 0x000000, 0x999999, 0x661100,
            ].map(Colour.init(hex:))
        case .tol:
            [
                0x332288, 0xCC6677, 0x117733, 0xDDCC77, 0x88CCEE, 0x882255, 0x44AA99, 0x999933, 0xAA4499, 0xAAAAAA,
            ].map(Colour.init(hex:))
        case .petroff:
            [
                0x3F90DA, 0xFFA90E, 0xBD1F01, 0x94A4A2, 0x832DB6, 0xA96B59, 0xE76300, 0xB9AC70, 0x717581, 0x92DADD,
            ].map(Colour.init(hex:))
        }
    }
}

/// A user's choices.
package struct PictureStyle: Sendable {
    package var format = PictureFormat.png
    /// Nil: the picture's own.
    package var size: PictureSize?
    package var palette = ClassPalette.standard

    package init() {}
}
