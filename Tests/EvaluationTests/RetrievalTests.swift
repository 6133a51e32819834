// k-NN and retrieval: against their definitions on data full of ties, and against scikit-learn and pytorch-metric-learning.
import Artifacts
import Evaluation
import ModelCore
import TestKit
import Testing

@Suite struct RetrievalTests {
    /// An outcome by the letter of the definitions.
    private func naive(
        _ query: Int, _ queries: Embeddings, _ references: Embeddings, isSameSet: Bool, k: Int, _ distance: Distance
    ) -> QueryOutcome {
        let order = naiveOrder(query, queries, references, isSameSet: isSameSet, distance: distance)
        let label = queries.labels[query]
        let hits = order.map { references.labels[$0.index] == label }
        var outcome = QueryOutcome()
        outcome.matches = hits.count { $0 }
        let votes = Dictionary(grouping: order.prefix(k).map { references.labels[$0.index] }) { $0 }
        outcome.vote = votes.min { ($1.value.count, $0.key) < ($0.value.count, $1.key) }?.key
        if outcome.matches > 0 {
            let first = hits.prefix(outcome.matches)
            outcome.rPrecision = Double(first.count { $0 }) / Double(outcome.matches)
            let precisions = first.indices.filter { first[$0] }.map { rank in
                Double(first[...rank].count { $0 }) / Double(rank + 1)
            }
            outcome.averagePrecision = precisions.reduce(0, +) / Double(outcome.matches)
        }
        outcome.firstMatch = hits.prefix(max(outcome.matches, k, 10)).firstIndex(of: true).map { $0 + 1 }
        return outcome
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func outcomesAreTheDefinitionsAlsoWithTies(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let dimensions = 1 + random.below(3)
        let side = 1 + random.below(3)
        let isSameSet = random.happens(0.5)
        let distance = Distance.allCases[random.below(3)]
        let references = gridEmbeddings(
            count: 1 + random.below(130), dimensions: dimensions, classes: 5, side: side, &random)
        // Six classes: some queries have no match.
        let queries =
            isSameSet
            ? references
            : gridEmbeddings(count: 1 + random.below(70), dimensions: dimensions, classes: 6, side: side, &random)
        let comparison = Comparison(
            queries: queries, references: references, isSameSet: isSameSet, distance: distance)
        let k = 1 + random.below(7)
        let result = compare(comparison, k: k, threads: 1)
        for query in 0..<queries.count {
            let expected = naive(query, queries, references, isSameSet: isSameSet, k: k, distance)
            let found = result.outcomes[query]
            #expect(found.vote == expected.vote, "seed \(seed), query \(query)")
            #expect(found.matches == expected.matches, "seed \(seed), query \(query)")
            #expect(found.rPrecision == expected.rPrecision, "seed \(seed), query \(query)")
            #expect(isNear(found.averagePrecision, expected.averagePrecision), "seed \(seed), query \(query)")
            #expect(found.firstMatch == expected.firstMatch, "seed \(seed), query \(query)")
        }
        let several = compare(comparison, k: k, threads: 3)
        #expect(several.outcomes == result.outcomes && several.pairs == result.pairs, "seed \(seed)")
    }

    @Test func ofEquallyNearReferencesTheLowerIndexComesFirst() {
        let references = Embeddings(dimensions: 1, values: [1, -1, 1, -1], labels: [3, 2, 1, 0])
        let query = Embeddings(dimensions: 1, values: [0], labels: [2])
        func outcome(k: Int) -> QueryOutcome {
            compare(
                Comparison(queries: query, references: references, isSameSet: false, distance: .euclidean), k: k,
                threads: 1
            ).outcomes[0]
        }
        #expect(outcome(k: 1).vote == 3)
        #expect(outcome(k: 1).firstMatch == 2)
        // Two votes, one each: the lower class.
        #expect(outcome(k: 2).vote == 2)
        #expect(outcome(k: 4).vote == 0)
        #expect(outcome(k: 9).vote == 0, "more neighbours than there are")
    }

    @Test func distancesThatDifferOnlyBeforeTheRootAreNotTied() {
        // In single precision the two roots are equal, the squares are not.
        let (near, far) = (Float(0x1.000002p0), Float(0x1.000004p0))
        let references = Embeddings(
            dimensions: 2, values: [0, far.squareRoot(), 0, near.squareRoot()], labels: [1, 2])
        let query = Embeddings(dimensions: 2, values: [0, 0], labels: [2])
        let squares = references.values.map { $0 * $0 }
        #expect(squares[1] != squares[3])
        let result = compare(
            Comparison(queries: query, references: references, isSameSet: false, distance: .euclidean), k: 1, threads: 1
        )
        #expect(result.outcomes[0].vote == 2)
    }

    @Test func emptySetsAndVectorsThatAreNotFinite() {
        let none = Embeddings(dimensions: 2, values: [], labels: [])
        let some = Embeddings(dimensions: 2, values: [.nan, 0, 1, .infinity, 2, 2, 0, 0], labels: [0, 1, 2, 0])
        func outcomes(_ queries: Embeddings, _ references: Embeddings) -> [QueryOutcome] {
            compare(
                Comparison(queries: queries, references: references, isSameSet: false, distance: .euclidean), k: 1,
                threads: 2
            ).outcomes
        }
        #expect(outcomes(none, some).isEmpty)
        #expect(outcomes(some, none).map(\.vote) == [nil, nil, nil, nil])
        #expect(outcomes(some, some)[2].vote == 2)
        #expect(outcomes(some, some)[3].vote == 0)
        #expect(some.notFinite == 2)
        #expect(RetrievalScores(outcomes(some, none)).queries == 0)
    }

    @Test func figuresAreThoseOfOtherPrograms() throws {
        let cases = try #require(try fixture("neighbours.json")["cases"]?.array)
        try #require(cases.count == 4)
        for content in cases {
            let name = try #require(content["name"]?.string)
            let comparison = Comparison(
                queries: try content.embeddings("queries", "query_labels"),
                references: try content.embeddings("references", "reference_labels"),
                isSameSet: content["same"] == .bool(true),
                distance: try #require(content["distance"]?.string.flatMap(Distance.init)))
            let scores = RetrievalScores(compare(comparison, k: 5, threads: 2).outcomes)
            let expected = try #require(content["retrieval"])
            #expect(isNear(scores.precisionAt1, expected["precision_at_1"]?.number), "\(name)")
            #expect(isNear(scores.rPrecision, expected["r_precision"]?.number), "\(name)")
            #expect(isNear(scores.mapAtR, expected["mean_average_precision_at_r"]?.number), "\(name)")
            for vote in content["votes"]?.members ?? [] {
                let votes = compare(comparison, k: try #require(Int(vote.key)), threads: 1).outcomes.map(\.vote)
                #expect(votes.map { $0.map(Int.init) } == vote.value.array?.map(\.integer), "\(name), k = \(vote.key)")
            }
        }
        let lonely = try #require(cases.first { $0["name"]?.string == "lonely" })
        let result = compare(
            Comparison(
                queries: try lonely.embeddings("queries", "query_labels"),
                references: try lonely.embeddings("references", "reference_labels"), isSameSet: false,
                distance: .euclidean), k: 5, threads: 1)
        #expect(RetrievalScores(result.outcomes).withoutMatch == 2)
    }

    @Test func theConfusionMatrixIsScikitLearns() throws {
        for content in try #require(try fixture("neighbours.json")["cases"]?.array) {
            guard let expected = content["confusion"]?.array, let votes = content["votes"] else { continue }
            let matrix = ConfusionMatrix(
                labels: try content.labels("query_labels"), predictions: try votes.labels("5").map { $0 })
            #expect(matrix.counts == expected.map { $0.array?.compactMap(\.integer) ?? [] })
            for (index, figures) in try #require(content["per_class"]?.array).enumerated() {
                #expect(Int(matrix.classes[index]) == figures["class"]?.integer)
                #expect(isNear(matrix.precision(index), figures["precision"]?.number))
                #expect(isNear(matrix.recall(index), figures["recall"]?.number))
            }
        }
    }
}
