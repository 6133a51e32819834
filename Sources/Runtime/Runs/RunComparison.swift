// `siamese compare`: several finished runs side by side: their losses in one plot, their latent spaces in one picture, their figures in
// one table. The measures are Evaluation's.
package import Artifacts
package import Datasets
internal import Evaluation
internal import ModelCore
internal import Storage

/// What is compared, and how.
package struct ComparisonRequest: Sendable {
    /// Nil: each run's own.
    package var dataset: DatasetName?
    package var data: String?
    package var threads = 1
    package var k = 5
    /// Of the picture of latent spaces.
    package var columns = 5
    package var style = PictureStyle()

    package init() {}
}

/// Several runs and their figures.
package struct RunComparison {
    /// Runs that one plot has colours for.
    package static let mostRuns = 10

    let entries: [Entry]
    let request: ComparisonRequest

    struct Entry {
        let run: FinishedRun
        let model: TrainedModel
        let epochs: [TrainingRecord.Epoch]
        let test: Embeddings
        let dataset: DatasetName
        let origin: String
        let figures: Figures
    }

    /// Of the test set against the training set.
    struct Figures {
        let distance: Distance
        let queries: Int
        let references: Int
        let accuracy: Double
        let retrieval: RetrievalScores
        let verification: Verification?
    }

    /// - Parameter places: folders of runs, or files of theirs; at most `mostRuns`
    package init(
        _ places: [String], _ request: ComparisonRequest, environment: [String: String], say: (String) -> Void
    ) throws(RunFailure) {
        var entries: [Entry] = []
        // All are read before the first is measured: what is wrong with the last is told at once.
        var runs: [(FinishedRun, TrainedModel, FinishedRun.Past)] = []
        for place in places {
            let run = try FinishedRun(at: place)
            runs.append((run, try run.model(), try run.past()))
        }
        var loaded: (key: String, images: Dataset)?
        for (run, model, past) in runs {
            (model.notes + [past.note].compactMap(\.self)).forEach(say)
            let key =
                "\(request.dataset ?? run.dataset) \(run.configuration["data"]?.string ?? "")"
                + " \(run.configuration["exclude_classes"] ?? .null)"
            let images: Dataset
            if let loaded, loaded.key == key {
                images = loaded.images
            } else {
                images = try run.images(request.dataset, data: request.data, environment: environment, say: say)
                loaded = (key, images)
            }
            let test = model.embed(images.test, threads: request.threads)
            let figures = Self.measure(model, test, images, request)
            entries.append(
                Entry(
                    run: run, model: model, epochs: past.epochs, test: test, dataset: images.name,
                    origin: images.origin, figures: figures))
        }
        self.entries = entries
        self.request = request
    }

    private static func measure(
        _ model: TrainedModel, _ test: Embeddings, _ images: Dataset, _ request: ComparisonRequest
    ) -> Figures {
        let training = model.embed(images.train, threads: request.threads)
        let distance = model.distance ?? .euclidean
        let comparison = Comparison(queries: test, references: training, isSameSet: false, distance: distance)
        let result = compare(comparison, k: request.k, threads: request.threads)
        let vote = ConfusionMatrix(labels: test.labels, predictions: result.outcomes.map(\.vote))
        return Figures(
            distance: distance, queries: test.count, references: training.count, accuracy: vote.accuracy,
            retrieval: RetrievalScores(result.outcomes),
            verification: Verification(result.pairs, distance: distance))
    }

    /// Names by which pictures tell the runs apart: the network's and dataset's, with the folder where several have the same.
    private var names: [String] {
        entries.map { entry in
            let alike = entries.count { $0.run.name == entry.run.name }
            return alike == 1 ? entry.run.name : "\(entry.run.folder)/\(entry.run.name)"
        }
    }

    /// Draws both pictures into the folder, and returns their paths.
    package func writePictures(to folder: String) throws(RunFailure) -> [String] {
        let ending = request.style.format.rawValue
        let paths = ["\(folder)/comparison-losses.\(ending)", "\(folder)/comparison-embeddings.\(ending)"]
        do {
            try createFolder(at: folder)
            try replaceFile(at: paths[0], with: LossPlot.encoded(losses, request.style))
            try replaceFile(at: paths[1], with: embeddings.encoded(request.style))
        } catch {
            throw RunFailure(error)
        }
        return paths
    }

    /// A plot for each network, for losses of different networks are different quantities.
    private var losses: [LossPlot] {
        let all = zip(names, entries).enumerated().map { index, pair in
            let epochs = pair.1.epochs.map {
                LossPlot.Epoch(number: $0.number, training: $0.trainLoss, validation: $0.testLoss)
            }
            return (network: pair.1.run.network, run: LossPlot.Run(name: pair.0, colour: index, epochs: epochs))
        }
        return NetworkKind.allCases.compactMap { kind in
            let runs = all.filter { $0.network == kind }.map(\.run)
            guard !runs.isEmpty else { return nil }
            return LossPlot(
                title: "\(kind.rawValue): validation loss (training dashed)", quantity: kind.lossQuantity, runs: runs)
        }
    }

    private var embeddings: EmbeddingGrid {
        let panels = zip(names, entries).map { name, entry in
            let isOwn = name == entry.run.name
            return EmbeddingGrid.Panel(
                title: isOwn ? entry.run.network.rawValue : name,
                subtitle: "\(entry.dataset.rawValue) · \(request.k)-NN \(percent(entry.figures.accuracy))",
                points: entry.test,
                classNames: entry.dataset.classNames, dataset: entry.dataset.rawValue)
        }
        return EmbeddingGrid(panels: panels, columns: request.columns)
    }
}

// MARK: - Words

extension RunComparison {
    /// Two tables: what was run, and what came of it. A newline at the end.
    package var table: String {
        var lines: [String] = []
        for (index, entry) in entries.enumerated() {
            let network = entry.model.network
            let batch = entry.run.configuration["batch_size"]?.integer.map { ", batches of \($0)" } ?? ""
            lines.append("\(index + 1)  \(entry.run.folder)/\(entry.run.name)")
            lines.append(
                "   \(network.architecture.rawValue), \(network.latentDimensions) latent dimensions, \(entry.run.steps) steps"
                    + batch)
            lines.append(
                "   \(entry.figures.queries) test images of \(entry.dataset.rawValue), "
                    + "\(entry.figures.distance.rawValue) distance")
        }
        let header = ["", "test loss", "\(request.k)-NN", "MAP@R", "R-prec.", "recall@1", "AUC", "EER"]
        let rows =
            [header]
            + entries.enumerated().map { index, entry in
                let (figures, retrieval) = (entry.figures, entry.figures.retrieval)
                return [
                    "\(index + 1)", entry.epochs.last?.testLoss.map { decimal($0, places: 5) } ?? "–",
                    percent(figures.accuracy), decimal(retrieval.mapAtR, places: 4),
                    decimal(retrieval.rPrecision, places: 4), decimal(retrieval.precisionAt1, places: 4),
                    figures.verification.map { decimal($0.area, places: 4) } ?? "–",
                    figures.verification.map { percent($0.equalErrorRate) } ?? "–",
                ]
            }
        let widths = header.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        lines.append("")
        for row in rows {
            lines.append(
                zip(row, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }.joined(separator: "  "))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// - Parameter pictures: paths of the pictures that were written
    package func json(pictures: [String]) -> JSONValue {
        ["runs": .array(entries.map { json($0) }), "pictures": .array(pictures.map(JSONValue.string))]
    }

    private func json(_ entry: Entry) -> JSONValue {
        let (figures, retrieval, network) = (entry.figures, entry.figures.retrieval, entry.model.network)
        return [
            "run": .string(entry.run.prefix + "run.json"), "network": .string(entry.run.network.rawValue),
            "architecture": .string(network.architecture.rawValue),
            "latent_dims": .integer(network.latentDimensions), "trained_on": .string(entry.run.dataset.rawValue),
            "steps": .integer(entry.run.steps), "model_sha256": .string("\(entry.model.digest)"),
            "epochs": .array(
                entry.epochs.map {
                    [
                        "epoch": .integer($0.number), "train": JSONValue(orNull: $0.trainLoss),
                        "test": JSONValue(orNull: $0.testLoss),
                    ]
                }),
            "evaluation": [
                "dataset": ["name": .string(entry.dataset.rawValue), "origin": .string(entry.origin)],
                "queries": .integer(figures.queries), "references": .integer(figures.references),
                "distance": .string(figures.distance.rawValue), "k": .integer(request.k),
                "knn_accuracy": .number(figures.accuracy), "map_at_r": .number(retrieval.mapAtR),
                "r_precision": .number(retrieval.rPrecision), "recall_at_1": .number(retrieval.precisionAt1),
                "auc": JSONValue(orNull: figures.verification?.area),
                "equal_error_rate": JSONValue(orNull: figures.verification?.equalErrorRate),
            ],
        ]
    }
}
