// What a query's ordered neighbours say: the k-NN vote, precision@1, R-precision, MAP@R, recall@k.
//
// Definitions: Musgrave, Belongie and Lim, "A metric learning reality check" (ECCV 2020, section 3), as their
// AccuracyCalculator computes them: R of a query is how many references have its class; a query does not find itself; a query
// with R = 0 is left out of the means. Not out of the k-NN vote, which is a classifier and has to answer.
internal import ModelCore

/// What became of one query.
package struct QueryOutcome: Equatable, Sendable {
    /// The class that the k nearest voted for; of classes with equal votes the lowest, as in scikit-learn. Nil without references.
    package var vote: UInt8?
    /// References of the query's class, itself not counted.
    package var matches = 0
    /// Of the first `matches` neighbours, the share of the query's class.
    package var rPrecision = 0.0
    /// (1/R)·Σ precision@i over those i ≤ R whose neighbour has the query's class.
    package var averagePrecision = 0.0
    /// Rank (from 1) of the first neighbour of the query's class, if it is within max(R, k, 10).
    package var firstMatch: Int?

    package init() {}
}

/// Everything that comes of comparing all queries with all references.
package struct ComparisonResult: Sendable {
    /// One per query, in order.
    package let outcomes: [QueryOutcome]
    package let pairs: PairHistogram
}

/// Ranks that `recall` is asked for.
package let recallRanks = [1, 5, 10]

/// - Parameter k: neighbours that vote, at most as many as there are
package func compare(_ comparison: Comparison, k: Int, threads: Int) -> ComparisonResult {
    let labels = comparison.queries.labels
    let counts = comparison.references.classCounts
    let available = comparison.available
    var outcomes = [QueryOutcome](repeating: QueryOutcome(), count: labels.count)
    let pairs = outcomes.withUnsafeMutableBufferPointer { outcomes in
        return forEachQuery(of: comparison, threads: threads) { query in
            min(max(comparison.matches(of: counts, labels[query]), k, recallRanks.max() ?? 1), available)
        } _: { query, neighbours in
            let label = labels[query]
            let references = comparison.references.labels
            var outcome = QueryOutcome()
            outcome.matches = comparison.matches(of: counts, label)
            outcome.vote = vote(neighbours.prefix(min(k, available)), references)
            count(neighbours.prefix(outcome.matches), label, references, into: &outcome)
            if outcome.firstMatch == nil {
                let most = min(neighbours.count, max(k, recallRanks.max() ?? 1))
                outcome.firstMatch = neighbours.prefix(most).firstIndex { references[Neighbour($0).index] == label }
                    .map { $0 + 1 }
            }
            outcomes[query] = outcome
        }
    }
    return ComparisonResult(outcomes: outcomes, pairs: pairs)
}

private func vote(_ neighbours: Slice<UnsafeBufferPointer<UInt64>>, _ labels: [UInt8]) -> UInt8? {
    var votes = InlineArray<256, Int32>(repeating: 0)
    var best: UInt8?
    for entry in neighbours { votes[Int(labels[Neighbour(entry).index])] += 1 }
    for entry in neighbours {
        let label = labels[Neighbour(entry).index]
        guard let leader = best else {
            best = label
            continue
        }
        let (mine, leaders) = (votes[Int(label)], votes[Int(leader)])
        if mine > leaders || (mine == leaders && label < leader) { best = label }
    }
    return best
}

private func count(
    _ neighbours: Slice<UnsafeBufferPointer<UInt64>>, _ label: UInt8, _ labels: [UInt8],
    into outcome: inout QueryOutcome
) {
    guard outcome.matches > 0 else { return }
    var (hits, sum) = (0, 0.0)
    labels.withUnsafeBufferPointer { labels in
        for (index, entry) in neighbours.enumerated() where labels[Neighbour(entry).index] == label {
            if hits == 0 { outcome.firstMatch = index + 1 }
            hits += 1
            sum += Double(hits) / Double(index + 1)
        }
    }
    outcome.rPrecision = Double(hits) / Double(outcome.matches)
    outcome.averagePrecision = sum / Double(outcome.matches)
}

/// Means over the queries that have a match.
package struct RetrievalScores: Equatable, Sendable {
    /// Queries with at least one reference of their class.
    package var queries = 0
    /// Queries that were left out.
    package var withoutMatch = 0
    package var precisionAt1 = 0.0
    package var rPrecision = 0.0
    package var mapAtR = 0.0
    /// Share of the queries with a match among the nearest 1, 5, 10 (`recallRanks`).
    package var recall = [Double](repeating: 0, count: recallRanks.count)

    package init(_ outcomes: some Sequence<QueryOutcome>) {
        for outcome in outcomes {
            guard outcome.matches > 0 else {
                withoutMatch += 1
                continue
            }
            queries += 1
            precisionAt1 += outcome.firstMatch == 1 ? 1 : 0
            rPrecision += outcome.rPrecision
            mapAtR += outcome.averagePrecision
            for (index, rank) in recallRanks.enumerated() where outcome.firstMatch.map({ $0 <= rank }) == true {
                recall[index] += 1
            }
        }
        guard queries > 0 else { return }
        precisionAt1 /= Double(queries)
        rPrecision /= Double(queries)
        mapAtR /= Double(queries)
        for index in recall.indices { recall[index] /= Double(queries) }
    }
}
