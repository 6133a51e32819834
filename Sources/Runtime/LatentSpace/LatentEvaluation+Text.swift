// The figures as text: plain columns of at most 80 characters.
internal import Datasets
internal import Evaluation
internal import ModelCore

extension LatentEvaluation {
    /// The whole report, with a newline at its end.
    package var table: String {
        var lines = heading
        for (title, rows) in sections {
            lines += ["", title]
            let width = rows.map(\.0.count).max() ?? 0
            lines += rows.map { name, value in
                "  \(name)\(String(repeating: " ", count: max(width, 22) - name.count))  \(value)"
            }
        }
        lines += [""] + classTable
        return lines.joined(separator: "\n") + "\n"
    }

    private var heading: [String] {
        let network = model.network
        var lines = [
            "\(model.name) (\(network.architecture.rawValue), \(network.latentDimensions) latent dimensions) on "
                + dataset.rawValue,
            report.isSameSet
                ? "\(report.queries) \(request.queries.rawValue) images against each other, "
                    + "\(report.questions.distance.rawValue) distance"
                : "\(report.queries) \(request.queries.rawValue) images against \(report.references) "
                    + "\(request.references.rawValue) images, \(report.questions.distance.rawValue) distance",
        ]
        if let classes = request.classes {
            lines.append("classes \(list(classes)) only\(unseen(classes))")
        }
        return lines
    }

    /// Which of the classes the network has never seen.
    private func unseen(_ classes: [UInt8]) -> String {
        let unseen = classes.filter(model.excludedClasses.contains)
        guard !unseen.isEmpty else { return "" }
        return unseen.count == classes.count
            ? ", none of them seen in training" : ", of them not seen in training: \(list(unseen))"
    }

    private var sections: [(title: String, rows: [(String, String)])] {
        let (retrieval, agreement) = (report.retrieval, report.agreement)
        var sections = [
            (
                "Classification",
                [
                    ("k-NN accuracy, k = \(report.questions.k)", percent(report.vote.accuracy)),
                    ("linear probe", percent(report.probe.accuracy)),
                ]
            ),
            (
                "Retrieval",
                retrieval.queries == 0
                    ? [("none", "no query has a reference of its class")]
                    : [
                        ("precision@1", percent(retrieval.precisionAt1)),
                        ("R-precision", percent(retrieval.rPrecision)), ("MAP@R", percent(retrieval.mapAtR)),
                    ] + zip(recallRanks, retrieval.recall).map { ("recall@\($0)", percent($1)) }
            ),
        ]
        if retrieval.queries > 0, retrieval.withoutMatch > 0 {
            sections[1].1.append(("left out", "\(retrieval.withoutMatch) queries without a reference of their class"))
        }
        sections.append(("Verification", verificationRows))
        sections.append(
            (
                "Clustering by k-means, \(report.clusters) clusters",
                [
                    ("AMI", decimal(agreement.adjustedMutualInformation, places: 4)),
                    ("NMI", decimal(agreement.normalizedMutualInformation, places: 4)),
                ]
            ))
        if let task = report.questions.fewShot, let score = report.fewShot {
            sections.append(
                (
                    "From \(task.shots == 1 ? "one example" : "\(task.shots) examples"), \(task.ways) ways, "
                        + "\(task.episodes) episodes",
                    [("accuracy", "\(percent(score.accuracy)) ± \(decimal(score.margin * 100, places: 2))")]
                ))
        }
        return sections
    }

    private var verificationRows: [(String, String)] {
        guard let verification = report.verification else {
            return [("none", "there are no pairs of one class, or none of two")]
        }
        return [
            (
                "area under the ROC",
                "\(decimal(verification.area, places: 5)) ± \(decimal(verification.areaUncertainty, places: 5))"
            ),
            (
                "equal error rate",
                "\(percent(verification.equalErrorRate)) at distance "
                    + decimal(Double(verification.equalErrorThreshold), places: 4)
            ),
            ("accepted at 1 % false", percent(verification.truePositiveRate(atFalsePositiveRate: 0.01))),
            ("accepted at 0.1 % false", percent(verification.truePositiveRate(atFalsePositiveRate: 0.001))),
        ]
    }

    private var classTable: [String] {
        let rows = report.classes.map { figures in
            [
                dataset.className(figures.label),
                "\(figures.queries)", share(figures.precision), share(figures.recall), share(figures.f1),
                figures.retrieval.queries > 0 ? share(figures.retrieval.rPrecision) : "–",
                figures.retrieval.queries > 0 ? share(figures.retrieval.mapAtR) : "–", share(figures.probeRecall),
            ]
        }
        return columns(
            [["Class", "images", "precision", "recall", "F1", "R-prec.", "MAP@R", "probe"]] + rows)
    }

    private func share(_ value: Double?) -> String { value.map { decimal($0 * 100, places: 2) } ?? "–" }
}

/// Columns with two spaces between them, the first one flush left, the others flush right.
func columns(_ rows: [[String]]) -> [String] {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { row in
        let cells = row.enumerated().map { column, cell in
            let space = String(repeating: " ", count: widths[column] - cell.count)
            return column == 0 ? cell + space : space + cell
        }
        return cells.joined(separator: "  ")
    }
}
