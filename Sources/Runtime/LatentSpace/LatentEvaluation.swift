// `siamese evaluate` from model and dataset to figures and pictures. The measures are Evaluation's; how they are told is in
// LatentEvaluation+Text.swift and +JSON.swift.
internal import Artifacts
package import Datasets
package import Evaluation
internal import ModelCore
internal import Storage

/// What the user asks of a latent space.
package struct EvaluationRequest: Sendable {
    package var questions = LatentQuestions()
    package var queries = Split.test
    package var references = Split.train
    /// Only images of these classes count; nil: of all.
    package var classes: [UInt8]?
    /// Classes in an episode; nil: all that there are, at most five.
    package var ways: Int?
    package var shots = 1
    package var episodes = 1000

    package init() {}
}

/// The figures of a model on a dataset.
package struct LatentEvaluation: Sendable {
    let model: TrainedModel
    let dataset: DatasetName
    let origin: String
    let request: EvaluationRequest
    let report: LatentReport
    /// Seconds of everything that was embedded.
    let embeddingSeconds: Double

    /// - Throws: where the dataset has not what was asked for
    package init(
        _ model: TrainedModel, on dataset: Dataset, _ request: EvaluationRequest, threads: Int
    ) throws(RunFailure) {
        if let classes = request.classes { try dataset.require(classes, option: "--classes") }
        let isSameSet = request.queries == request.references
        let clock = ContinuousClock()
        let start = clock.now
        let training = try Self.embed(model, dataset, .train, request.classes, threads)
        let test = try Self.embed(model, dataset, .test, request.classes, threads)
        embeddingSeconds = (clock.now - start) / .seconds(1)
        let queries = request.queries == .test ? test : training
        var questions = request.questions
        questions.fewShot = try Self.episodes(request, queries)
        report = measure(
            queries: queries, references: request.references == .test ? test : training, isSameSet: isSameSet,
            training: training, questions, threads: threads)
        self.model = model
        self.dataset = dataset.name
        origin = dataset.origin
        self.request = request
    }

    private static func embed(
        _ model: TrainedModel, _ dataset: Dataset, _ split: Split, _ classes: [UInt8]?, _ threads: Int
    ) throws(RunFailure) -> Embeddings {
        let all = model.embed(dataset[split], threads: threads)
        guard let classes else { return all }
        let some = all.restricted(to: Set(classes))
        guard some.count > 0 else {
            throw RunFailure(
                .badData,
                "the \(split.rawValue) set of \(dataset.name.rawValue) in \(dataset.origin) has no image of the classes "
                    + "\(list(classes)): name others with --classes")
        }
        return some
    }

    /// Nil where it was not asked for and there are too few classes.
    private static func episodes(_ request: EvaluationRequest, _ queries: Embeddings) throws(RunFailure) -> FewShotTask?
    {
        let available = classesForEpisodes(queries, shots: request.shots).count
        guard let ways = request.ways ?? (available >= 2 ? min(available, 5) : nil) else { return nil }
        guard ways <= available else {
            throw RunFailure(
                .badData,
                "\(ways) ways of \(request.shots) shots need \(ways) classes with more than \(request.shots) images each, and "
                    + "\(available) have: lower --ways or --shots, or name more --classes")
        }
        var task = FewShotTask(ways: ways, shots: request.shots)
        task.episodes = request.episodes
        task.seed = request.questions.seed
        return task
    }

    /// Draws the pictures beside `prefix` and returns their paths.
    package func writePictures(prefix: String) throws(RunFailure) -> [String] {
        let title = "\(model.name), \(dataset.rawValue)"
        var pictures: [(path: String, png: [UInt8])] = []
        do {
            let confusion = ConfusionPlot(
                title: "\(title): k-NN, k = \(report.questions.k)",
                subtitle:
                    "\(percent(report.vote.accuracy)) of \(report.queries) \(request.queries.rawValue) images right",
                classNames: report.vote.classes.map(dataset.className),
                counts: report.vote.counts)
            pictures.append((prefix + "confusion-matrix.png", try confusion.png()))
            if let verification = report.verification {
                let roc = ROCPlot(
                    title: "\(title): same class or not",
                    subtitle: "area \(decimal(verification.area, places: 5)), equal error rate "
                        + "\(percent(verification.equalErrorRate)), "
                        + pairCount(verification.positivePairs + verification.negativePairs),
                    curve: verification.curve.map { ($0.falsePositiveRate, $0.truePositiveRate) },
                    equalErrorRate: verification.equalErrorRate)
                pictures.append((prefix + "roc.png", try roc.png()))
            }
            for picture in pictures { try replaceFile(at: picture.path, with: picture.png) }
        } catch {
            throw RunFailure(error)
        }
        return pictures.map(\.path)
    }

    /// What the user should know beside the figures.
    package var notes: [String] {
        var notes = model.notes
        if let trained = model.dataset, trained != dataset.rawValue {
            notes.append("the model was trained on \(trained)")
        }
        if report.notFinite > 0 {
            notes.append(
                "\(report.notFinite) latent vectors are not finite; they count as further away than all others")
        }
        if !report.probeHasConverged { notes.append("the linear probe did not settle; its figure is a lower bound") }
        return notes
    }
}

func list(_ classes: [UInt8]) -> String { classes.map(String.init).joined(separator: ", ") }

/// "600.0 million pairs"
private func pairCount(_ pairs: UInt64) -> String {
    pairs < 1_000_000 ? "\(pairs) pairs" : "\(decimal(Double(pairs) / 1e6, places: 1)) million pairs"
}

/// "97.12 %"
func percent(_ share: Double) -> String { "\(decimal(share * 100, places: 2)) %" }
