// The fixtures of Tests/Fixtures/evaluation (made by make_fixtures.py with scikit-learn and pytorch-metric-learning), and naive
// implementations to compare with.
import Artifacts
import Evaluation
import Foundation
import ModelCore
import TestKit
import Testing

func fixture(_ name: String, file: String = #filePath) throws -> JSONValue {
    let folder = "/" + file.split(separator: "/").dropLast(2).joined(separator: "/") + "/Fixtures/evaluation/"
    return try JSONValue(parsing: Array(Data(contentsOf: URL(fileURLWithPath: folder + name))))
}

extension JSONValue {
    func numbers(_ key: String) throws -> [Double] { try #require(self[key]?.array).compactMap(\.number) }

    func labels(_ key: String) throws -> [UInt8] { try numbers(key).map { UInt8($0) } }

    func embeddings(_ values: String, _ labels: String) throws -> Embeddings {
        Embeddings(
            dimensions: try #require(self["dimensions"]?.integer), values: try numbers(values).map(Float.init),
            labels: try self.labels(labels))
    }
}

func isNear(_ a: Double?, _ b: Double?, _ tolerance: Double = 1e-9) -> Bool {
    guard let a, let b else { return a == nil && b == nil }
    return abs(a - b) <= tolerance
}

/// Vectors on a coarse grid: many of their distances tie.
func gridEmbeddings(count: Int, dimensions: Int, classes: Int, side: Int, _ random: inout SplitMix64) -> Embeddings {
    Embeddings(
        dimensions: dimensions,
        values: (0..<count * dimensions).map { _ in Float(random.below(2 * side + 1) - side) },
        labels: (0..<count).map { _ in UInt8(random.below(classes)) })
}

/// All references in order, by definition: by the squared distance of the prepared vectors, then by index.
func naiveOrder(
    _ query: Int, _ queries: Embeddings, _ references: Embeddings, isSameSet: Bool, distance: Distance
) -> [(index: Int, square: Float)] {
    let (queries, references) = (distance.prepared(queries), distance.prepared(references))
    let squares = (0..<references.count).map { index -> (index: Int, square: Float) in
        var sum: Float = 0
        for (a, b) in zip(queries[query], references[index]) { sum = sum.addingProduct(a - b, a - b) }
        return (index, sum)
    }
    return squares.filter { !isSameSet || $0.index != query }.sorted { ($0.square, $0.index) < ($1.square, $1.index) }
}
