// Pictures of any kind as the networks want them: light on dark, in the right place.
import Artifacts
import Datasets
import Runtime
import Testing

@Suite struct QueryImageTests {
    /// A box of ink, of so many pixels each way, on paper.
    private func picture(
        _ width: Int, _ height: Int, ink: UInt8, paper: UInt8, x: Range<Int>, y: Range<Int>
    ) throws -> [UInt8] {
        var pixels = [UInt8](repeating: paper, count: width * height)
        for row in y { for column in x { pixels[row * width + column] = ink } }
        return try GreyImage(width: width, height: height, pixels: pixels).png()
    }

    private func centre(_ pixels: [UInt8]) -> (x: Double, y: Double) {
        let mass = pixels.reduce(0.0) { $0 + Double($1) }
        return (
            pixels.enumerated().reduce(0.0) { $0 + Double($1.element) * (Double($1.offset % 28) + 0.5) } / mass,
            pixels.enumerated().reduce(0.0) { $0 + Double($1.element) * (Double($1.offset / 28) + 0.5) } / mass
        )
    }

    private func lit(_ pixels: [UInt8]) -> (columns: Set<Int>, rows: Set<Int>) {
        let places = pixels.indices.filter { pixels[$0] > 128 }
        return (Set(places.map { $0 % 28 }), Set(places.map { $0 / 28 }))
    }

    @Test func darkOnLightOfAnySizeIsFittedAndCentredAsMNIST() throws {
        for (ink, paper, isInverted) in [(UInt8(10), UInt8(240), true), (230, 5, false)] {
            let png = try picture(400, 300, ink: ink, paper: paper, x: 20..<120, y: 30..<230)
            let image = try QueryImage(png: png, name: "a.png", for: .mnist)
            #expect(image.remark.contains("inverted") == isInverted, "\(image.remark)")
            #expect(image.remark.contains("400 × 300") && image.remark.contains("10 × 20"), "\(image.remark)")
            let found = lit(image.pixels)
            #expect(found.columns == Set(9..<19) && found.rows == Set(4..<24), "\(image.remark)")
            #expect(image.pixels[0] == 0 && image.pixels[14 * 28 + 14] == 255)
        }
    }

    @Test func theCentreOfMassIsInTheMiddle() throws {
        // An L: the centre of its box is not its centre of mass.
        var pixels = [UInt8](repeating: 255, count: 200 * 200)
        for row in 50..<150 {
            for column in 60..<140 where column < 80 || row >= 130 { pixels[row * 200 + column] = 0 }
        }
        let png = try GreyImage(width: 200, height: 200, pixels: pixels).png()
        let middle = centre(try QueryImage(png: png, name: "l.png", for: .mnist).pixels)
        #expect(abs(middle.x - 14) <= 0.5 && abs(middle.y - 14) <= 0.5)
        // Fashion-MNIST: the longer side fills the picture.
        let fashion = lit(try QueryImage(png: png, name: "l.png", for: .fashionMNIST).pixels)
        #expect(fashion.rows == Set(0..<28))
    }

    @Test func aPictureOfTheRightSizeIsTakenAsItIs() throws {
        let pixels = (0..<784).map { index -> UInt8 in
            let (x, y) = (index % 28, index / 28)
            return (3..<9).contains(x) && (2..<20).contains(y) ? UInt8(100 + x * y % 150) : 0
        }
        let image = GreyImage(width: 28, height: 28, pixels: pixels)
        let found = try QueryImage(png: image.png(), name: "a.png", for: .mnist)
        #expect(found.pixels == pixels)
        #expect(found.remark.contains("taken as it is"))
        let negative = GreyImage(width: 28, height: 28, pixels: pixels.map { 255 - $0 })
        let inverted = try QueryImage(png: negative.png(), name: "a.png", for: .mnist)
        #expect(inverted.pixels == pixels)
        #expect(inverted.remark.contains("inverted"))
    }

    @Test func extremesAreAnswered() throws {
        // One pixel of ink, a line, all ink but the edge.
        for (x, y) in [(50..<51, 50..<51), (0..<100, 40..<41), (1..<99, 1..<99)] {
            let png = try picture(100, 100, ink: 255, paper: 0, x: x, y: y)
            for dataset in DatasetName.allCases {
                #expect(try QueryImage(png: png, name: "a.png", for: dataset).pixels.contains { $0 > 200 })
            }
        }
        let blank = try picture(50, 40, ink: 90, paper: 90, x: 1..<2, y: 1..<2)
        let error = try #require(throws: RunFailure.self) {
            try QueryImage(png: blank, name: "blank.png", for: .mnist)
        }
        #expect(error.code == 65 && error.description.contains("blank.png shows nothing"))
        #expect(throws: RunFailure.self) { try QueryImage(png: [1, 2, 3], name: "x.png", for: .mnist) }
    }
}
