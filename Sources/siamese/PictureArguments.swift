// The options of pictures that are drawn again: format, size, palette.
internal import ArgumentParser
internal import Artifacts

struct PictureArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Width and height in points, such as 800x600; a PNG has two pixels per point, a GIF one (default: each picture's own).",
            valueName: "WxH"))
    var size: PictureSize?

    @Option(help: "The format. The animation is a GIF in any case.")
    var format = PictureFormat.png

    @Option(
        help: ArgumentHelp(
            "Colours. All are made for colour-blind eyes too.",
            valueName: "name"))
    var palette = ClassPalette.standard

    mutating func validate() throws {
        let allowed = PictureSize.allowed
        guard size.map({ allowed.width.contains($0.width) && allowed.height.contains($0.height) }) ?? true else {
            throw ValidationError(
                "--size must be from \(allowed.width.lowerBound)x\(allowed.height.lowerBound) to "
                    + "\(allowed.width.upperBound)x\(allowed.height.upperBound) points.")
        }
    }

    var style: PictureStyle {
        var style = PictureStyle()
        (style.format, style.size, style.palette) = (format, size, palette)
        return style
    }
}

extension PictureFormat: ExpressibleByArgument {}

extension ClassPalette: ExpressibleByArgument {}

extension PictureSize: ExpressibleByArgument {
    /// "800x600"
    package init?(argument: String) {
        let numbers = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 2, let width = numbers[0], let height = numbers[1] else { return nil }
        self.init(width: width, height: height)
    }
}
