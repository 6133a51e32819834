// k-means and the agreement of partitions: against scikit-learn, and what must hold for any data.
import Artifacts
import Evaluation
import ModelCore
import TestKit
import Testing

@Suite struct ClusteringTests {
    @Test func agreementIsScikitLearns() throws {
        let cases = try #require(try fixture("partitions.json")["cases"]?.array)
        try #require(cases.count == 8)
        for (index, content) in cases.enumerated() {
            let found = ClusterAgreement(
                classes: try content.numbers("classes").map { Int($0) },
                clusters: try content.numbers("clusters").map { Int($0) })
            #expect(isNear(found.normalizedMutualInformation, content["nmi"]?.number), "case \(index)")
            #expect(isNear(found.adjustedMutualInformation, content["ami"]?.number), "case \(index)")
        }
    }

    @Test func heapsAreFound() {
        var random = SplitMix64(seed: 3)
        let labels = (0..<300).map { _ in UInt8(random.below(4)) }
        let values = labels.flatMap { label -> [Float] in
            let centre = (x: Float(label % 2) * 50, y: Float(label / 2) * 50)
            return [centre.x + Float(random.below(100)) / 50, centre.y + Float(random.below(100)) / 50]
        }
        let heaps = Embeddings(dimensions: 2, values: values, labels: labels)
        let found = kMeans(heaps, clusters: 4, seed: 1, threads: 2)
        let agreement = ClusterAgreement(classes: labels.map(Int.init), clusters: found.assignments)
        #expect(agreement.adjustedMutualInformation > 1 - 1e-9)
        #expect(isNear(agreement.normalizedMutualInformation, 1))
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func everyVectorIsWithItsNearestCentre(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        // Ties and equal vectors; at times more clusters than places.
        let data = gridEmbeddings(
            count: 20 + random.below(60), dimensions: 2, classes: 2, side: 1 + random.below(3), &random)
        let clusters = 1 + random.below(12)
        let found = kMeans(data, clusters: clusters, seed: seed, starts: 3, threads: 1)
        #expect(found.assignments.allSatisfy { (0..<clusters).contains($0) }, "seed \(seed)")
        var inertia = 0.0
        for vector in 0..<data.count {
            let squares = (0..<clusters).map { cluster -> Double in
                let centre = found.centres[cluster * 2..<cluster * 2 + 2]
                return zip(data[vector], centre).reduce(0.0) { sum, pair in
                    let difference = Double(pair.0) - Double(pair.1)
                    return sum + difference * difference
                }
            }
            inertia += squares[found.assignments[vector]]
            #expect(squares[found.assignments[vector]] <= (squares.min() ?? 0) + 1e-5, "seed \(seed), vector \(vector)")
        }
        #expect(isNear(found.inertia, inertia, 1e-3), "seed \(seed)")
        #expect(kMeans(data, clusters: clusters, seed: seed, starts: 3, threads: 3) == found, "seed \(seed)")
    }

    @Test func asManyClustersAsPlacesLeaveNothing() {
        let data = Embeddings(dimensions: 1, values: [0, 0, 0, 5, 5, 9], labels: [0, 0, 0, 0, 0, 0])
        #expect(kMeans(data, clusters: 3, seed: 0, threads: 1).inertia == 0)
        #expect(kMeans(data, clusters: 6, seed: 0, threads: 1).inertia == 0)
    }
}
