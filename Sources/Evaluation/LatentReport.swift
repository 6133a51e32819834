// Every measure of a latent space at once: what `siamese evaluate` asks. The measures themselves are in the other files.
package import ModelCore

/// What is measured, and how.
package struct LatentQuestions: Sendable {
    /// Neighbours that vote.
    package var k = 5
    package var distance = Distance.euclidean
    /// Nil: no episodes, as there are too few classes.
    package var fewShot: FewShotTask?
    /// Of k-means.
    package var seed: UInt64 = 0

    package init() {}
}

/// Figures of one class.
package struct ClassFigures: Equatable, Sendable {
    package let label: UInt8
    /// Queries of the class.
    package let queries: Int
    /// Of the k-NN vote; nil where nothing was predicted to be of the class, or nothing is.
    package let precision: Double?
    package let recall: Double?
    package let retrieval: RetrievalScores
    /// Of the linear probe.
    package let probeRecall: Double?

    /// Harmonic mean of precision and recall.
    package var f1: Double? {
        guard let precision, let recall else { return nil }
        return precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0
    }
}

/// The answers.
package struct LatentReport: Sendable {
    package let questions: LatentQuestions
    package let queries: Int
    package let references: Int
    package let isSameSet: Bool
    /// Queries and references with a NaN or an infinity; they come last in every order.
    package let notFinite: Int
    package let vote: ConfusionMatrix
    package let retrieval: RetrievalScores
    package let classes: [ClassFigures]
    package let verification: Verification?
    package let probe: ConfusionMatrix
    package let probeHasConverged: Bool
    /// Clusters that k-means was asked for: as many as the queries have classes.
    package let clusters: Int
    package let agreement: ClusterAgreement
    package let fewShot: FewShotScore?
    /// Seconds of each part, by name, in order.
    package let seconds: [(part: String, seconds: Double)]
}

/// Measures `queries` against `references`; the probe learns from `training`.
/// - Parameter isSameSet: query i is reference i
package func measure(
    queries: Embeddings, references: Embeddings, isSameSet: Bool, training: Embeddings, _ questions: LatentQuestions,
    threads: Int
) -> LatentReport {
    var watch = StopWatch()
    let comparison = Comparison(
        queries: queries, references: references, isSameSet: isSameSet, distance: questions.distance)
    let result = compare(comparison, k: questions.k, threads: threads)
    let vote = ConfusionMatrix(labels: queries.labels, predictions: result.outcomes.map(\.vote))
    let verification = Verification(result.pairs, distance: questions.distance)
    watch.lap("neighbours and pairs")

    let linear = LinearProbe(trainedOn: training, threads: threads)
    let probe = ConfusionMatrix(labels: queries.labels, predictions: linear.predictions(queries))
    watch.lap("linear probe")

    let present = queries.classes
    let clustering = kMeans(
        questions.distance.prepared(queries), clusters: max(present.count, 1), seed: questions.seed, threads: threads)
    let agreement = ClusterAgreement(classes: queries.labels.map(Int.init), clusters: clustering.assignments)
    watch.lap("k-means")

    let fewShot = questions.fewShot.map {
        fewShotAccuracy(queries, $0, distance: questions.distance, threads: threads)
    }
    watch.lap("few-shot episodes")
    return LatentReport(
        questions: questions, queries: queries.count, references: references.count, isSameSet: isSameSet,
        notFinite: queries.notFinite + (isSameSet ? 0 : references.notFinite), vote: vote,
        retrieval: RetrievalScores(result.outcomes),
        classes: present.map { classFigures($0, queries.labels, result.outcomes, vote: vote, probe: probe) },
        verification: verification, probe: probe, probeHasConverged: linear.hasConverged, clusters: present.count,
        agreement: agreement, fewShot: fewShot, seconds: watch.laps)
}

private func classFigures(
    _ label: UInt8, _ labels: [UInt8], _ outcomes: [QueryOutcome], vote: ConfusionMatrix, probe: ConfusionMatrix
) -> ClassFigures {
    let own = labels.indices.filter { labels[$0] == label }
    let place = vote.classes.firstIndex(of: label)
    return ClassFigures(
        label: label, queries: own.count, precision: place.flatMap { vote.precision($0) },
        recall: place.flatMap { vote.recall($0) }, retrieval: RetrievalScores(own.map { outcomes[$0] }),
        probeRecall: probe.classes.firstIndex(of: label).flatMap { probe.recall($0) })
}

/// Seconds since the last lap.
private struct StopWatch {
    private(set) var laps: [(part: String, seconds: Double)] = []
    private var last = ContinuousClock.now

    mutating func lap(_ part: String) {
        let now = ContinuousClock.now
        laps.append((part, (now - last) / .seconds(1)))
        last = now
    }
}
