// The pictures of `evaluate` and `search`: their size, and that what they are to show is there.
import Artifacts
import Testing

@Suite struct EvaluationPlotTests {
    @Test func aConfusionMatrixIsBlueOnItsDiagonalAndRedBeside() throws {
        let png = try ConfusionPlot(
            title: "t", subtitle: "s", classNames: ["a", "b"], counts: [[10, 0], [10, 0]]
        ).png()
        let picture = try #require(Picture(png: png))
        #expect(picture.width == 1600 && picture.height == 1520)
        // A quarter of the area each: 620 × 590 points, two pixels each way.
        #expect(picture.count(of: 0x075CB0) > 300_000)
        #expect(picture.count(of: 0xA61E1E) > 300_000)
        _ = try ConfusionPlot(title: "", subtitle: "", classNames: [], counts: []).png()
    }

    @Test func aCurveIsDrawnAlsoWithOnePoint() throws {
        let curve = (0...1000).map { index -> (falsePositiveRate: Double, truePositiveRate: Double) in
            let x = Double(index) / 1000
            return (x, x.squareRoot())
        }
        let picture = try #require(
            Picture(png: try ROCPlot(title: "t", subtitle: "s", curve: curve, equalErrorRate: 0.38).png()))
        #expect(picture.width == 1600 && picture.height == 1520)
        #expect(picture.count(of: 0x075CB0) > 3000)
        _ = try ROCPlot(title: "t", subtitle: "s", curve: [], equalErrorRate: 0).png()
    }

    @Test func framesTellRightFromWrong() throws {
        let image = GreyImage(width: 28, height: 28, pixels: .init(repeating: 128, count: 784))
        func tile(_ frame: NeighboursPlot.Tile.Frame) -> NeighboursPlot.Tile {
            .init(image: image, caption: "7", remark: "0.1", frame: frame)
        }
        let rows = [NeighboursPlot.Row(query: tile(.unknown), neighbours: [tile(.right), tile(.right), tile(.wrong)])]
        let picture = try #require(Picture(png: try NeighboursPlot(title: "t", subtitle: "s", rows: rows).png()))
        let (green, red) = (picture.count(of: 0x1E8A3C), picture.count(of: 0xC81E1E))
        // Four sides of 84 points and four wide, two pixels each way.
        #expect(red > 4 * 84 * 4 * 4 * 9 / 10 && green > red * 19 / 10)
        // Four images of 84 × 84 points, some of it under frames' edges.
        #expect(picture.count(of: 0x808080) > 4 * 160 * 160)
        _ = try NeighboursPlot(title: "t", subtitle: "s", rows: []).png()
    }
}
