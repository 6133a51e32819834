// The ROC against its definition over all pairs, and against scikit-learn.
import Artifacts
import Evaluation
import ModelCore
import TestKit
import Testing

@Suite struct VerificationTests {
    private func verification(
        _ queries: Embeddings, _ references: Embeddings, isSameSet: Bool = false, distance: Distance = .euclidean
    ) -> Verification? {
        let comparison = Comparison(queries: queries, references: references, isSameSet: isSameSet, distance: distance)
        return Verification(compare(comparison, k: 1, threads: 2).pairs, distance: distance)
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func theAreaIsThatOfAllPairs(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let isSameSet = random.happens(0.5)
        let references = gridEmbeddings(count: 60, dimensions: 2, classes: 3, side: 40, &random)
        let queries =
            isSameSet ? references : gridEmbeddings(count: 30, dimensions: 2, classes: 3, side: 40, &random)
        var (same, different) = ([Float](), [Float]())
        for query in 0..<queries.count {
            for other in naiveOrder(query, queries, references, isSameSet: isSameSet, distance: .squared) {
                if queries.labels[query] == references.labels[other.index] {
                    same.append(other.square)
                } else {
                    different.append(other.square)
                }
            }
        }
        let found = try #require(verification(queries, references, isSameSet: isSameSet))
        #expect(found.positivePairs == same.count && found.negativePairs == different.count, "seed \(seed)")
        var area = 0.0
        for a in same { for b in different { area += a < b ? 1 : a == b ? 0.5 : 0 } }
        area /= Double(same.count * different.count)
        #expect(abs(found.area - area) <= found.areaUncertainty, "seed \(seed)")
        #expect(found.areaUncertainty < 2e-3, "seed \(seed)")
        #expect(found.curve.first?.falsePositiveRate == 0 && found.curve.first?.truePositiveRate == 0, "seed \(seed)")
        #expect(found.curve.last?.falsePositiveRate == 1 && found.curve.last?.truePositiveRate == 1, "seed \(seed)")
        for (a, b) in zip(found.curve, found.curve.dropFirst()) {
            #expect(
                a.falsePositiveRate <= b.falsePositiveRate && a.truePositiveRate <= b.truePositiveRate, "seed \(seed)")
        }
    }

    @Test func figuresAreScikitLearns() throws {
        let content = try fixture("neighbours.json")
        for item in try #require(content["cases"]?.array) {
            let distance = try #require(item["distance"]?.string.flatMap(Distance.init))
            let queries = try item.embeddings("queries", "query_labels")
            let references = try item.embeddings("references", "reference_labels")
            let found = try #require(
                verification(queries, references, isSameSet: item["same"] == .bool(true), distance: distance))
            let area = try #require(item["auc"]?.number)
            #expect(abs(found.area - area) <= found.areaUncertainty + 1e-9, "\(item["name"]?.string ?? "")")
            #expect(
                isNear(found.equalErrorRate, item["equal_error_rate"]?.number, 2e-3), "\(item["name"]?.string ?? "")")
        }
        // Distances of a grid are further apart than the bins: nothing is lost, and real ties count half, as there.
        let grid = try #require(content["grid"])
        let queries = try grid.embeddings("queries", "query_labels")
        let found = try #require(verification(queries, try grid.embeddings("references", "reference_labels")))
        #expect(isNear(found.area, grid["auc"]?.number, 1e-12))
        #expect(isNear(found.equalErrorRate, grid["equal_error_rate"]?.number, 1e-12))
    }

    @Test func theExtremes() throws {
        // Two heaps far apart, each of one class: every threshold between them is perfect.
        let heaps = Embeddings(dimensions: 1, values: [0, 0, 9, 9.5], labels: [0, 0, 1, 1])
        let perfect = try #require(verification(heaps, heaps, isSameSet: true))
        #expect(perfect.area == 1 && perfect.equalErrorRate == 0 && perfect.areaUncertainty == 0)
        #expect(perfect.truePositiveRate(atFalsePositiveRate: 0) == 1)
        // All in one place: nothing to go by.
        let one = Embeddings(dimensions: 2, values: [1, 1, 1, 1, 1, 1], labels: [0, 0, 1])
        let blind = try #require(verification(one, one, isSameSet: true))
        #expect(blind.area == 0.5 && blind.equalErrorRate == 0.5 && blind.areaUncertainty == 0.5)
        #expect(verification(one, Embeddings(dimensions: 2, values: [0, 0], labels: [7])) == nil, "no positive pair")
        // A vector that is no number makes its pairs the furthest.
        let broken = Embeddings(dimensions: 1, values: [0, 0, .nan, 1], labels: [0, 0, 0, 1])
        let found = try #require(verification(broken, broken, isSameSet: true))
        #expect(found.positivePairs == 6 && found.negativePairs == 6)
    }

    @Test func theThresholdIsInTheUnitOfTheDistance() throws {
        let line = Embeddings(dimensions: 1, values: [0, 3, 4, 7], labels: [0, 0, 1, 1])
        let euclidean = try #require(verification(line, line, isSameSet: true))
        let squared = try #require(verification(line, line, isSameSet: true, distance: .squared))
        #expect(euclidean.area == squared.area && euclidean.equalErrorRate == squared.equalErrorRate)
        #expect(abs(euclidean.equalErrorThreshold - squared.equalErrorThreshold.squareRoot()) < 1e-5)
        #expect(abs(euclidean.equalErrorThreshold - 3) < 0.01)
    }
}
