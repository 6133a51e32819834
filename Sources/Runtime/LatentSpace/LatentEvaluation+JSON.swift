// The figures as JSON. Names are those of docs/evaluation.md; shares are from 0 to 1.
package import Artifacts
internal import Datasets
internal import Evaluation
internal import ModelCore

extension LatentEvaluation {
    /// - Parameter pictures: paths of the pictures that were written
    package func json(pictures: [String]) -> JSONValue {
        let questions = report.questions
        return [
            "model": [
                "path": .string(model.path), "sha256": .string("\(model.digest)"), "network": .string(model.name),
                "architecture": .string(model.network.architecture.rawValue),
                "latent_dims": .integer(model.network.latentDimensions),
            ],
            "dataset": ["name": .string(dataset.rawValue), "origin": .string(origin)],
            "queries": ["split": .string(request.queries.rawValue), "images": .integer(report.queries)],
            "references": ["split": .string(request.references.rawValue), "images": .integer(report.references)],
            "classes": .array(report.classes.map { .integer(Int($0.label)) }),
            "distance": .string(questions.distance.rawValue),
            "seed": .string("\(questions.seed)"),
            "knn": [
                "k": .integer(questions.k), "accuracy": .number(report.vote.accuracy),
                "confusion": [
                    "classes": .array(report.vote.classes.map { .integer(Int($0)) }),
                    "counts": .array(report.vote.counts.map { .array($0.map(JSONValue.integer)) }),
                ],
            ],
            "linear_probe": [
                "accuracy": .number(report.probe.accuracy), "converged": .bool(report.probeHasConverged),
            ],
            "retrieval": report.retrieval.json,
            "verification": report.verification.map { $0.json } ?? nil,
            "clustering": [
                "clusters": .integer(report.clusters),
                "ami": .number(report.agreement.adjustedMutualInformation),
                "nmi": .number(report.agreement.normalizedMutualInformation),
            ],
            "few_shot": fewShot,
            "per_class": .array(report.classes.map(\.json)),
            "not_finite": .integer(report.notFinite),
            "seconds": .object(
                [.init("embedding", .number(embeddingSeconds))]
                    + report.seconds.map { .init($0.part, .number($0.seconds)) }),
            "pictures": .array(pictures.map(JSONValue.string)),
        ]
    }

    private var fewShot: JSONValue {
        guard let task = report.questions.fewShot, let score = report.fewShot else { return nil }
        return [
            "ways": .integer(task.ways), "shots": .integer(task.shots), "queries_per_class": .integer(task.queries),
            "episodes": .integer(task.episodes), "accuracy": .number(score.accuracy),
            "confidence_95": .number(score.margin),
        ]
    }
}

extension RetrievalScores {
    fileprivate var json: JSONValue {
        guard queries > 0 else { return ["queries": 0, "without_match": .integer(withoutMatch)] }
        return [
            "queries": .integer(queries), "without_match": .integer(withoutMatch),
            "precision_at_1": .number(precisionAt1), "r_precision": .number(rPrecision),
            "map_at_r": .number(mapAtR),
            "recall_at": .object(
                zip(recallRanks, recall).map { .init("\($0)", .number($1)) }),
        ]
    }
}

extension Verification {
    /// Without the curve: it has a point for each of some thousand bins, and the picture shows it.
    fileprivate var json: JSONValue {
        [
            "positive_pairs": .integer(Int(positivePairs)), "negative_pairs": .integer(Int(negativePairs)),
            "auc": .number(area), "auc_uncertainty": .number(areaUncertainty),
            "equal_error_rate": .number(equalErrorRate),
            "equal_error_threshold": .number(Double(equalErrorThreshold)),
            "true_positive_rate_at_fpr_0.01": .number(truePositiveRate(atFalsePositiveRate: 0.01)),
            "true_positive_rate_at_fpr_0.001": .number(truePositiveRate(atFalsePositiveRate: 0.001)),
        ]
    }
}

extension ClassFigures {
    fileprivate var json: JSONValue {
        return [
            "class": .integer(Int(label)), "images": .integer(queries), "precision": JSONValue(orNull: precision),
            "recall": JSONValue(orNull: recall), "f1": JSONValue(orNull: f1), "retrieval": retrieval.json,
            "probe_recall": JSONValue(orNull: probeRecall),
        ]
    }
}
