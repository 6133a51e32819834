// Pictures, read back: sizes, exact colours, and that odd data is drawn and not crashed on. Beauty was judged by eye.

import Artifacts
import Foundation
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

    /// On a sheet too low for them they are smaller, and still plots: the line falls where the loss does.
    @Test func plotsOfSeveralTermsFitASmallSheet() throws {
        let epochs = (1...5).map { LossPlot.Epoch(number: $0, training: 1 / Double($0), validation: nil) }
        let plots = (0..<4).map { LossPlot(title: "\($0)", epochs: epochs) }
        var style = PictureStyle()
        style.size = PictureSize(width: 480, height: 360)
        let picture = try #require(Picture(png: try LossPlot.encoded(plots, style)))
        #expect(picture.width == 960 && picture.height == 720)
        let blue = Palette.classes[0].hex
        for plot in 0..<4 {
            let rows = (plot * 180..<(plot + 1) * 180)
            // Right of the middle there is no legend.
            let low = rows.filter { row in (480..<960).contains { picture[$0, row] == blue } }
            let high = rows.filter { row in (60..<300).contains { picture[$0, row] == blue } }
            let (first, last) = (try #require(high.first), try #require(low.last))
            #expect(last - first > 40, "plot \(plot)")
        }
    }

    // MARK: Several scatters

    @Test(arguments: [nil, PictureSize(width: 480, height: 360), PictureSize(width: 1500, height: 400)])
    func pointsStayInTheirPanels(size: PictureSize?) throws {
        // One class in the corners of its panel: nothing else is blue, but the legend below.
        let corners = Embeddings(dimensions: 2, values: [0, 0, 0, 1, 1, 0, 1, 1], labels: [0, 0, 0, 0])
        let panels = ["a", "a name that is longer than its panel is wide, and must not run into the next"].map {
            EmbeddingGrid.Panel(
                title: $0, subtitle: "s", points: corners, classNames: Self.digits, dataset: "MNIST")
        }
        var style = PictureStyle()
        style.size = size
        let picture = try #require(Picture(png: try EmbeddingGrid(panels: panels, columns: 2).encoded(style)))
        func isBluish(_ x: Int, _ y: Int) -> Bool { picture[x, y] & 0xFF > (picture[x, y] >> 16 & 0xFF) + 60 }
        func isFrame(_ x: Int, _ y: Int) -> Bool { picture[x, y] != 0xFFFFFF && !isBluish(x, y) }
        // Nothing is as long as the upper and lower edges of the frames.
        let lengths = (0..<picture.height).map { y in (0..<picture.width).count { isFrame($0, y) } }
        let lines = lengths.indices.filter { 10 * lengths[$0] > 9 * (lengths.max() ?? 0) }
        let (top, bottom) = (try #require(lines.first), try #require(lines.last))
        let marks = (top...bottom).flatMap { y in (0..<picture.width).filter { isBluish($0, y) }.map { ($0, y) } }
        #expect(marks.count > 40)
        let inset = (bottom - top) / 50
        for (x, y) in marks {
            #expect(y > top + inset && y < bottom - inset && x > inset && x < picture.width - inset)
        }
        // As many left of the middle as right of it: each panel has its own.
        let left = marks.count { $0.0 < picture.width / 2 }
        #expect(abs(2 * left - marks.count) <= marks.count / 10)
        // Above the frames the first panel's title is short, and the second's ends before the edge.
        #expect((0..<top).allSatisfy { y in picture[picture.width - 2, y] == 0xFFFFFF })
    }

    /// A title that is too long is written smaller, not cut off.
    @Test func titlesEndOnTheSheet() throws {
        let points = Self.clusters(100)
        let long = String(repeating: "a long title ", count: 12)
        let picture = try #require(
            Picture(png: try ScatterPlot(title: long, points: points, classNames: Self.digits).png()))
        #expect((0..<120).allSatisfy { picture[1599, $0] == Self.white && picture[1575, $0] == Self.white })
        #expect((40..<120).contains { row in (1400..<1570).contains { picture[$0, row] != Self.white } })
    }

    // MARK: Drawings

    /// Points are drawn one by one, but for so many in SVG that no viewer would like the file: those are one bitmap.
    @Test(arguments: [PictureFormat.svg, .pdf]) func manyPointsAreOneBitmap(format: PictureFormat) throws {
        var style = PictureStyle()
        style.format = format
        func bitmaps(_ count: Int) throws -> Int {
            let plot = ScatterPlot(title: "t", points: Self.clusters(count), classNames: Self.digits)
            let bytes = try plot.encoded(style)
            #expect(bytes.count < 4_000_000, "\(count) points, \(bytes.count) bytes")
            // Cairo counts what it names in SVG, as long as the program runs.
            if format == .pdf { #expect(try plot.encoded(style) == bytes, "the same picture has the same bytes") }
            let text = String(decoding: bytes.map { UInt16($0) }, as: UTF16.self)
            return text.components(separatedBy: format == .svg ? "<image" : "/Subtype /Image").count - 1
        }
        #expect(try bitmaps(10_000) == 0)
        #expect(try (bitmaps(60_000) > 0) == (format == .svg))
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
