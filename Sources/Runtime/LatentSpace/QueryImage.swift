// A picture of any size as the networks were trained to see one: 28×28, light on dark, placed as the dataset places its images.
internal import Artifacts
package import Datasets

/// A prepared picture.
package struct QueryImage: Sendable {
    package let name: String
    /// 784 bytes.
    package let pixels: [UInt8]
    /// What was done to it, as a line.
    package let remark: String

    private static let side = 28
    /// Paper is not quite white, ink not quite black: less than so much of the strongest ink counts as paper.
    private static let inkShare = 0.2

    /// MNIST fits the ink into 20×20 and puts its centre of mass into the middle (LeCun et al., "The MNIST database"); Fashion-MNIST
    /// lets the longer side fill the picture and centres the box (Xiao et al. 2017, section 2). A picture that is 28×28 already
    /// is taken as it is, at most inverted.
    /// - Parameter name: of the file, for messages
    package init(png: [UInt8], name: String, for dataset: DatasetName) throws(RunFailure) {
        let image: GreyImage
        do { image = try GreyImage(png: png, file: name) } catch { throw RunFailure(.badData, "\(error)") }
        var steps = ["\(image.width) × \(image.height) pixels, to grey"]
        let ink = Ink(image)
        guard ink.strongest >= 16 else {
            throw RunFailure(
                .badData, "\(name) shows nothing: all of it is about equally bright. Name a picture with a drawing")
        }
        if ink.isInverted { steps.append("inverted (it was dark on light)") }
        self.name = name
        if image.width == Self.side, image.height == Self.side {
            pixels = ink.isInverted ? image.pixels.map { 255 - $0 } : image.pixels
            if !ink.isInverted { steps.append("taken as it is") }
        } else {
            let box = ink.box(above: Self.inkShare)
            let drawing = ink.image.cropped(x: box.x, y: box.y)
            let longest = dataset == .mnist ? 20 : Self.side
            let scale = Double(longest) / Double(max(drawing.width, drawing.height))
            let small = drawing.resized(
                width: max(Int((Double(drawing.width) * scale).rounded()), 1),
                height: max(Int((Double(drawing.height) * scale).rounded()), 1))
            steps.append(
                "its \(drawing.width) × \(drawing.height) with ink resized to \(small.width) × \(small.height)")
            pixels = Self.placed(small, byMass: dataset == .mnist)
            steps.append(dataset == .mnist ? "centred by its centre of mass" : "centred")
        }
        remark = "\(name): " + steps.joined(separator: ", ")
    }

    /// In the middle of 28×28 black pixels; what would stand out is cut off.
    private static func placed(_ image: GreyImage, byMass: Bool) -> [UInt8] {
        var middle = (x: Double(image.width) / 2, y: Double(image.height) / 2)
        let mass = image.pixels.reduce(0.0) { $0 + Double($1) }
        if byMass, mass > 0 {
            var sums = (x: 0.0, y: 0.0)
            for y in 0..<image.height {
                for x in 0..<image.width {
                    sums.x += Double(image[x, y]) * (Double(x) + 0.5)
                    sums.y += Double(image[x, y]) * (Double(y) + 0.5)
                }
            }
            middle = (sums.x / mass, sums.y / mass)
        }
        let shift = (
            x: Int((Double(side) / 2 - middle.x).rounded()), y: Int((Double(side) / 2 - middle.y).rounded())
        )
        var pixels = [UInt8](repeating: 0, count: side * side)
        for y in 0..<image.height where (0..<side).contains(y + shift.y) {
            for x in 0..<image.width where (0..<side).contains(x + shift.x) {
                pixels[(y + shift.y) * side + x + shift.x] = image[x, y]
            }
        }
        return pixels
    }
}

/// A picture as ink on nothing: the background is 0 and the strongest ink 255.
private struct Ink {
    let image: GreyImage
    /// Whether the background was the lighter part.
    let isInverted: Bool
    /// The strongest ink before it was made 255.
    let strongest: Int

    /// The background is the median of the pixels along the four edges.
    init(_ picture: GreyImage) {
        let (width, height) = (picture.width, picture.height)
        var edge: [UInt8] = []
        for x in 0..<width { edge += [picture[x, 0], picture[x, height - 1]] }
        for y in 0..<height { edge += [picture[0, y], picture[width - 1, y]] }
        let background = Int(edge.sorted()[edge.count / 2])
        let isInverted = background > 127
        func strength(_ pixel: UInt8) -> Int { isInverted ? background - Int(pixel) : Int(pixel) - background }
        let strongest = picture.pixels.lazy.map(strength).max() ?? 0
        let scale = 255 / Double(max(strongest, 1))
        image = GreyImage(
            width: width, height: height,
            pixels: picture.pixels.map { UInt8(min(max(Double(strength($0)) * scale, 0), 255)) })
        self.isInverted = isInverted
        self.strongest = strongest
    }

    /// The smallest box with all ink that is stronger than a share of the strongest.
    func box(above share: Double) -> (x: Range<Int>, y: Range<Int>) {
        var (left, right, top, bottom) = (image.width, 0, image.height, 0)
        let least = UInt8(share * 255)
        for y in 0..<image.height {
            for x in 0..<image.width where image[x, y] > least {
                (left, right, top, bottom) = (min(left, x), max(right, x + 1), min(top, y), max(bottom, y + 1))
            }
        }
        return left < right ? (left..<right, top..<bottom) : (0..<image.width, 0..<image.height)
    }
}
