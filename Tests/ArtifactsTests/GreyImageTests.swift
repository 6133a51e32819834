// Grey pictures: scaling by area, and PNG there and back.
import Artifacts
import Testing

@Suite struct GreyImageTests {
    private func ramp(_ width: Int, _ height: Int) -> GreyImage {
        GreyImage(
            width: width, height: height, pixels: (0..<width * height).map { UInt8(truncatingIfNeeded: $0 &* 37) })
    }

    @Test func aPNGComesBackPixelForPixel() throws {
        for (width, height) in [(1, 1), (3, 5), (28, 28), (130, 7)] {
            let image = ramp(width, height)
            #expect(try GreyImage(png: image.png(), file: "a.png") == image)
        }
    }

    @Test func coloursBecomeTheirBrightness() throws {
        // A plot: white paper, and a picture of class colours is not black.
        let plot = try LossPlot(title: "t", epochs: []).png()
        let grey = try GreyImage(png: plot, file: "plot.png")
        #expect(grey.width == 1600 && grey.height == 1000)
        #expect(grey[0, 0] == 255)
        #expect(grey.pixels.contains { $0 < 64 })
    }

    @Test func resizingTakesMeansOfAreas() {
        let image = GreyImage(width: 4, height: 2, pixels: [0, 100, 200, 40, 20, 80, 0, 0])
        #expect(image.resized(width: 4, height: 2) == image)
        #expect(image.resized(width: 2, height: 1).pixels == [50, 60])
        // Thirds: 4 columns to 3, each 1⅓ wide.
        let row = GreyImage(width: 4, height: 1, pixels: [30, 60, 90, 118])
        #expect(row.resized(width: 3, height: 1).pixels == [38, 75, 111])
        // Larger: every pixel is repeated.
        #expect(
            row.resized(width: 8, height: 2).pixels == [30, 30, 60, 60, 90, 90, 118, 118] + [
                30, 30, 60, 60, 90, 90, 118, 118,
            ])
        #expect(image.cropped(x: 1..<3, y: 0..<2).pixels == [100, 200, 80, 0])
    }

    @Test func whatIsNoPNGIsRefused() throws {
        let png = try ramp(20, 20).png()
        var huge = png
        huge[16] = 0x7F
        for bytes in [[], Array("GIF89a".utf8), Array(png.prefix(40)), huge, png.map { $0 ^ 1 }] {
            #expect(throws: PictureError.self) { try GreyImage(png: bytes, file: "x.png") }
        }
        // Damaged anywhere: an error or a picture, never a trap.
        for index in stride(from: 8, to: png.count, by: 3) {
            var damaged = png
            damaged[index] ^= 0x55
            _ = try? GreyImage(png: damaged, file: "x.png")
        }
    }

    /// Text and profiles may be compressed a thousandfold and are not needed; what is in no pixel is not looked at.
    @Test func onlyTheChunksOfThePixelsAreRead() throws {
        let image = ramp(20, 20)
        let png = try image.png()
        // Of no valid compression, and with a wrong checksum.
        let text: [UInt8] = [0, 0, 0, 4] + Array("zTXt".utf8) + [1, 0, 0, 7] + [0, 0, 0, 0]
        let withText = png[..<33] + text + png[33...]
        #expect(try GreyImage(png: Array(withText), file: "a.png") == image)
    }

    /// Else a few bytes would make the decoder allocate hundreds of megabytes.
    @Test func aFileThatCannotHoldItsPixelsIsRefused() throws {
        var png = try ramp(20, 20).png()
        for place in [18, 22] { png[place] = 0x1F }
        let error = try #require(throws: PictureError.self) { try GreyImage(png: png, file: "x.png") }
        #expect(error.reason.contains("cannot hold"))
    }
}
