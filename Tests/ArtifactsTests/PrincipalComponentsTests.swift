// Principal components against what they must be.

import Artifacts
import ModelCore
import Testing

@Suite struct PrincipalComponentsTests {
    /// Four points of a rectangle in a known plane of three dimensions: sides 10 and 4, mean (1, 2, 3).
    private static let plane: (u: [Float], v: [Float]) = ([0.6, 0.8, 0], [-0.8, 0.6, 0])

    private static func rectangle(extra: [Float] = []) -> Embeddings {
        let corners: [(Float, Float)] = [(-5, -2), (5, -2), (-5, 2), (5, 2)]
        let values = corners.flatMap { a, b in
            (0..<3).map { Float($0 + 1) + a * plane.u[$0] + b * plane.v[$0] }
        }
        let labels = [UInt8](repeating: 0, count: 4 + extra.count / 3)
        return Embeddings(dimensions: 3, values: values + extra, labels: labels)
    }

    @Test func findsTheAxesAndTheirSigns() {
        let components = PrincipalComponents(of: Self.rectangle())
        for (axis, expected) in zip(components.axes, [[0.6, 0.8, 0], [0.8, -0.6, 0]]) {
            #expect(zip(axis, expected).allSatisfy { abs($0 - $1) < 1e-6 })
        }
        #expect(abs(components.explainedVariance - 1) < 1e-9)
        let place = components.project([1 + 0.6, 2 + 0.8, 3 + 7])
        #expect(abs(place.x - 1) < 1e-6 && abs(place.y) < 1e-6)
    }

    @Test func leavesOutWhatIsNotFinite() {
        let damaged = PrincipalComponents(of: Self.rectangle(extra: [.nan, 0, 0, 0, .infinity, 0]))
        #expect(damaged.axes == PrincipalComponents(of: Self.rectangle()).axes)
    }

    /// Axes are orthonormal and hold at least as much variance as any two coordinates.
    @Test func isOptimalOnRandomData() {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        for dimensions in [3, 8, 32] {
            let scales = (0..<dimensions).map { _ in Float.random(in: 0.1...3, using: &generator) }
            let values = (0..<200 * dimensions).map {
                Float.random(in: -1...1, using: &generator) * scales[$0 % dimensions]
            }
            let points = Embeddings(
                dimensions: dimensions, values: values, labels: [UInt8](repeating: 0, count: 200))
            let components = PrincipalComponents(of: points)
            func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).map(*).reduce(0, +) }
            #expect(abs(dot(components.axes[0], components.axes[0]) - 1) < 1e-9, "seed \(seed)")
            #expect(abs(dot(components.axes[0], components.axes[1])) < 1e-9, "seed \(seed)")

            let variances = (0..<dimensions).map { column -> Double in
                let column = (0..<200).map { Double(values[$0 * dimensions + column]) }
                let mean = column.reduce(0, +) / 200
                return column.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 200
            }.sorted(by: >)
            let share = (variances[0] + variances[1]) / variances.reduce(0, +)
            #expect(components.explainedVariance >= share - 1e-9, "seed \(seed), \(dimensions) dimensions")
            #expect(components.explainedVariance <= 1 + 1e-9, "seed \(seed), \(dimensions) dimensions")
        }
    }
}
