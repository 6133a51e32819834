// Pictures, read back: sizes, exact colours, and that odd data is drawn and not crashed on. Beauty was judged by eye.

import Artifacts
import ModelCore
import Testing

@Suite struct PlotTests {
    private static let white: UInt32 = 0xFFFFFF
    private static let digits = (0...9).map(String.init)

    /// Ten blurred clusters on a circle; the same points for the same seed.
    private static func clusters(_ count: Int, dimensions: Int = 2, scale: Float = 1) -> Embeddings {
        var generator = SeededGenerator(seed: 1)
        let labels = (0..<count).map { UInt8($0 % 10) }
        let values = labels.flatMap { label in
            (0..<dimensions).map { axis in
                scale * (Float((Int(label) * (axis + 3)) % 10) + Float.random(in: -0.4...0.4, using: &generator))
            }
        }
        return Embeddings(dimensions: dimensions, values: values, labels: labels)
    }

    private static func scatter(_ points: Embeddings) throws -> [UInt8] {
        try ScatterPlot(title: "title", points: points, classNames: Self.digits).png()
    }

    @Test func scatterHasItsSizeAndColours() throws {
        let picture = try #require(Picture(png: try Self.scatter(Self.clusters(60_000))))
        #expect(picture.width == 1600 && picture.height == 1400)
        #expect(picture[0, 0] == Self.white && picture[1599, 1399] == Self.white)
        // A legend disc of 11 pixels radius holds some 350 pixels of the pure colour.
        for colour in Palette.classes { #expect(picture.count(of: colour.hex) > 300) }
    }

    @Test func scatterIsAFunctionOfItsData() throws {
        #expect(try Self.scatter(Self.clusters(500)) == Self.scatter(Self.clusters(500)))
        #expect(try Self.scatter(Self.clusters(500)) != Self.scatter(Self.clusters(501)))
    }

    /// A unit is equally long on both axes: the blue square of points is as wide as it is high.
    @Test func scatterKeepsDistances() throws {
        let corners: [Float] = [0, 0, 1, 1, 0, 1, 1, 0, 9, 0.5]
        let points = Embeddings(dimensions: 2, values: corners, labels: [1, 1, 1, 1, 2])
        let picture = try #require(Picture(png: try Self.scatter(points)))
        // Markers are translucent: orange over white has much red and little blue.
        let inside = (180..<1296).flatMap { x in (152..<1268).map { (x, $0) } }.filter { x, y in
            let pixel = picture[x, y]
            return pixel >> 16 > 0xE0 && pixel & 0xFF < 0x60
        }
        let (xs, ys) = (inside.map(\.0), inside.map(\.1))
        let width = (xs.max() ?? 0) - (xs.min() ?? 0)
        let height = (ys.max() ?? 0) - (ys.min() ?? 0)
        #expect(width > 100 && abs(width - height) <= 1)
    }

    @Test func scatterNeedsNoWellBehavedData() throws {
        let all = [UInt8](repeating: 3, count: 4)
        let odd: [(String, Embeddings)] = [
            ("empty", .init(dimensions: 2, values: [], labels: [])),
            ("one", .init(dimensions: 2, values: [3, -4], labels: [9])),
            ("equal", .init(dimensions: 2, values: .init(repeating: -1.25, count: 8), labels: all)),
            ("zero", .init(dimensions: 2, values: .init(repeating: 0, count: 8), labels: all)),
            ("a line", .init(dimensions: 2, values: [1, 5, 2, 5, 3, 5, 4, 5], labels: all)),
            ("nearly equal", .init(dimensions: 2, values: [1, 1, 1.0000001, 1, 1, 1, 1, 1], labels: all)),
            ("not finite", .init(dimensions: 2, values: .init(repeating: .nan, count: 8), labels: all)),
            ("extreme", .init(dimensions: 2, values: [3.4e38, -3.4e38, -3.4e38, 3.4e38, 0, 0, 1, 1], labels: all)),
            ("tiny", .init(dimensions: 2, values: [0x1p-149, 0, 0, 0x1p-149, 0, 0, 0, 0], labels: all)),
            ("strip", Self.clusters(200, dimensions: 1)), ("empty strip", .init(dimensions: 1, values: [], labels: [])),
            ("eight", Self.clusters(200, dimensions: 8)),
            ("eight, empty", .init(dimensions: 8, values: [], labels: [])),
            ("eight, equal", .init(dimensions: 8, values: .init(repeating: 2, count: 32), labels: all)),
        ]
        for (name, points) in odd {
            let picture = Picture(png: try Self.scatter(points))
            #expect(picture?.width == 1600, "\(name)")
        }
    }

    @Test func droppedPointsAreRemarkedOn() throws {
        // The remark is the only dark red on the picture.
        func redPixels(_ values: [Float]) throws -> Int {
            let points = Embeddings(dimensions: 2, values: values, labels: [0, 0])
            return try #require(Picture(png: try Self.scatter(points))).count(of: 0xA61E1E)
        }
        #expect(try redPixels([0, 0, 1, 1]) == 0)
        #expect(try redPixels([0, 0, .infinity, 1]) > 50)
    }

    // MARK: Losses

    @Test func lossesAreDrawnInTheirColours() throws {
        let epochs = (0...10).map {
            LossPlot.Epoch(number: $0, training: $0 == 0 ? nil : 1 / Double($0), validation: 1.1 / Double($0 + 1))
        }
        let picture = try #require(Picture(png: try LossPlot(title: "title", epochs: epochs).png()))
        #expect(picture.width == 1600 && picture.height == 1000)
        for colour in Palette.classes.prefix(2) { #expect(picture.count(of: colour.hex) > 2000) }
    }

    @Test(
        arguments: [
            [], [0.5], [0], [0, 0], [.nan], [.infinity, 1], [-3, -2], [1e300, -1e300], [1.79e308, 5],
            [.leastNonzeroMagnitude, 0],
            [0.6931471, 0.6931472], [1e9, 1e9 + 1],
        ] as [[Double]])
    func lossesNeedNotBehave(_ losses: [Double]) throws {
        let epochs = losses.enumerated().map { LossPlot.Epoch(number: $0 + 1, training: $1, validation: nil) }
        #expect(Picture(png: try LossPlot(title: "title", epochs: epochs).png())?.width == 1600)
    }

    @Test func plotsOfSeveralTermsStandBelowEachOther() throws {
        let epochs = (1...5).map { LossPlot.Epoch(number: $0, training: 1 / Double($0), validation: 2 / Double($0)) }
        let plots = ["loss", "reconstruction", "divergence"].map { LossPlot(title: $0, epochs: epochs) }
        let picture = try #require(Picture(png: try LossPlot.encoded(plots, PictureStyle())))
        #expect(picture.width == 1600 && picture.height == 3 * 680)
        let one = try #require(Picture(png: try LossPlot.encoded([plots[0]], PictureStyle())))
        #expect(picture.count(of: Palette.classes[0].hex) > 2 * one.count(of: Palette.classes[0].hex))
    }

    // MARK: Images

    @Test func imagesStandInTheirPlacesWithTheirGreys() throws {
        var images: [[UInt8]?] = (0..<6).map { [UInt8](repeating: UInt8($0 * 40 + 7), count: 784) }
        images[4] = nil
        var grid = ImageGrid(title: "title", columns: 3, images: images)
        (grid.imageSize, grid.gap) = (28, 3)
        let picture = try #require(Picture(png: try grid.png()))
        for index in 0..<6 where index != 4 {
            let grey = UInt32(index * 40 + 7) * 0x01_0101
            // 56 pixels wide and high; the black of the letters and their edges may be among the greys.
            #expect(picture.count(of: grey) >= 56 * 56, "image \(index)")
        }
        #expect(picture.count(of: UInt32(4 * 40 + 7) * 0x01_0101) < 100)
        #expect(Picture(png: try ImageGrid(title: "", columns: 5, images: []).png()) != nil)
    }

    // MARK: Animation

    @Test func animationHoldsItsFramesAndLoops() throws {
        var animation = LatentAnimation(title: "title", classNames: Self.digits)
        #expect(try animation.gif() == nil)
        for epoch in 0..<4 {
            // The third frame repeats the second: a frame without changes must be kept all the same.
            let scale: Float = epoch < 2 ? Float(epoch + 1) : 2
            animation.append(epoch: epoch, points: Self.clusters(300, scale: scale))
        }
        let gif = try #require(try animation.gif())
        let decoded = try #require(Animation(gif: gif))
        #expect(decoded.loopsForEver)
        #expect(decoded.frames.map(\.centiseconds) == [60, 60, 60, 300])
        for frame in decoded.frames {
            #expect(frame.picture.width == 800 && frame.picture.height == 700)
            #expect(frame.picture[0, 0] == Self.white && frame.picture[799, 699] == Self.white)
            for colour in Palette.classes { #expect(frame.picture.count(of: colour.hex) > 50) }
        }
        #expect(decoded.frames[0].picture.pixels != decoded.frames[1].picture.pixels)
    }

    /// Later frames store only what changed; decoded, they are the frames that they would be if they came first.
    @Test func animationFramesAreWhole() throws {
        func frames(_ scales: [Float]) throws -> [Picture] {
            var animation = LatentAnimation(title: "title", classNames: Self.digits)
            for scale in scales { animation.append(epoch: 1, points: Self.clusters(300, scale: scale)) }
            let gif = try #require(try animation.gif())
            return try #require(Animation(gif: gif)).frames.map(\.picture)
        }
        let (forward, backward) = (try frames([1, 3]), try frames([3, 1]))
        for (index, picture) in forward.enumerated() {
            #expect(picture.pixels == backward[1 - index].pixels, "frame \(index)")
        }
    }

    /// The axes hold still: what is left of the axes (labels, ticks) is the same in all frames.
    @Test func animationKeepsItsAxes() throws {
        var animation = LatentAnimation(title: "title", classNames: Self.digits)
        for epoch in 1...3 { animation.append(epoch: epoch, points: Self.clusters(300, scale: Float(epoch * epoch))) }
        let gif = try #require(try animation.gif())
        let decoded = try #require(Animation(gif: gif))
        let margins = decoded.frames.map { frame in
            (80..<700).map { row in frame.picture.pixels[row * 800..<row * 800 + 86] }
        }
        #expect(margins[0] == margins[1] && margins[1] == margins[2])
    }
}
