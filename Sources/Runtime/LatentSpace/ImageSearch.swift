// `siamese search`: which images lie nearest to a query, by its latent vector. How it is told is in ImageSearch+Text.swift.
internal import Artifacts
package import Datasets
package import Evaluation
internal import ModelCore
internal import Storage

/// What is looked for.
package struct SearchRequest: Sendable {
    package enum Queries: Sendable {
        /// Images of the dataset, by number.
        case numbers([Int], Split)
        case files([String])
    }

    package var queries: Queries
    /// The images that are looked through.
    package var references = Split.train
    package var count = 10
    package var distance = Distance.euclidean
    /// Index file; nil: none.
    package var index: String?

    package init(_ queries: Queries) { self.queries = queries }
}

/// The answers.
package struct ImageSearch: Sendable {
    struct Hit: Sendable {
        let index: Int
        let label: UInt8
        let distance: Float
    }

    struct Answer: Sendable {
        let name: String
        /// Of a query from the dataset.
        let label: UInt8?
        let pixels: [UInt8]
        let hits: [Hit]

        /// The class of most hits, the lowest of several, and how many there are.
        var vote: (label: UInt8, hits: Int)? {
            let counts = Dictionary(grouping: hits, by: \.label).mapValues(\.count)
            return counts.min { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
        }
    }

    let model: TrainedModel
    let dataset: Dataset
    let request: SearchRequest
    let answers: [Answer]
    /// What the user should know: what was done to pictures, what became of the index.
    package let notes: [String]
    /// Seconds of the search alone, without embedding.
    let seconds: Double

    package init(
        _ model: TrainedModel, _ dataset: Dataset, _ request: SearchRequest, threads: Int
    ) throws(RunFailure) {
        let queries = try Self.queries(request.queries, dataset)
        let index = try SearchIndex(
            model, dataset, request.references, request.distance, path: request.index, threads: threads)
        let vectors = request.distance.prepared(
            model.embed(
                pixels: queries.flatMap(\.pixels), labels: queries.map { $0.label ?? 0 }, threads: threads))
        var excluded: [Int?]?
        if case .numbers(let numbers, let split) = request.queries, split == request.references {
            excluded = numbers
        }
        let clock = ContinuousClock()
        let start = clock.now
        let found = nearest(request.count, to: vectors, in: index.panels, excluded: excluded, threads: threads)
        seconds = (clock.now - start) / .seconds(1)
        answers = zip(queries, found).map { query, neighbours in
            Answer(
                name: query.name, label: query.label, pixels: query.pixels,
                hits: neighbours.map {
                    Hit(
                        index: $0.index, label: index.labels[$0.index],
                        distance: request.distance.value(ofSquared: $0.square))
                })
        }
        notes = model.notes + queries.compactMap(\.remark) + [index.note].compactMap(\.self)
        self.model = model
        self.dataset = dataset
        self.request = request
    }

    private struct Query {
        let name: String
        let label: UInt8?
        let pixels: [UInt8]
        let remark: String?
    }

    private static func queries(_ queries: SearchRequest.Queries, _ dataset: Dataset) throws(RunFailure) -> [Query] {
        switch queries {
        case .files(let paths):
            var found: [Query] = []
            for path in paths {
                let bytes: [UInt8]
                do { bytes = try readFile(at: path, atMost: 1 << 28) } catch { throw RunFailure(.badData, "\(error)") }
                let image = try QueryImage(png: bytes, name: path, for: dataset.name)
                found.append(Query(name: path, label: nil, pixels: image.pixels, remark: image.remark))
            }
            return found
        case .numbers(let numbers, let split):
            let images = dataset[split]
            if let wrong = numbers.first(where: { !(0..<images.count).contains($0) }) {
                throw RunFailure(
                    .badData,
                    "there is no image \(wrong) in the \(split.rawValue) set of \(dataset.name.rawValue): name one from 0 to "
                        + "\(images.count - 1)")
            }
            return numbers.map { number in
                Query(
                    name: "\(split.rawValue) image \(number)", label: images.labels[number],
                    pixels: Array(images.pixels[number * ImageSet.imageSize..<(number + 1) * ImageSet.imageSize]),
                    remark: nil)
            }
        }
    }

    /// Each query with its neighbours, framed green where the class is the query's, red where it is not.
    package func writePicture(to path: String) throws(RunFailure) {
        let name = dataset.name.className
        func image(_ pixels: [UInt8]) -> GreyImage { GreyImage(width: 28, height: 28, pixels: pixels) }
        let references = dataset[request.references]
        let rows = answers.map { answer in
            let title = answer.label.map(name) ?? answer.name.split(separator: "/").last.map(String.init) ?? ""
            return NeighboursPlot.Row(
                query: .init(
                    image: image(answer.pixels), caption: title.count > 14 ? title.prefix(13) + "…" : title,
                    remark: "query", frame: .unknown),
                neighbours: answer.hits.map { hit in
                    let start = hit.index * ImageSet.imageSize
                    let pixels = Array(references.pixels[start..<start + ImageSet.imageSize])
                    return .init(
                        image: image(pixels), caption: name(hit.label),
                        remark: decimal(Double(hit.distance), places: 4),
                        frame: answer.label.map { $0 == hit.label ? .right : .wrong } ?? .unknown)
                })
        }
        let picture = NeighboursPlot(
            title: "\(model.name), \(dataset.name.rawValue): nearest images of the \(request.references.rawValue) set",
            subtitle:
                "\(request.distance.rawValue) distance in \(model.network.latentDimensions) dimensions, nearest first",
            rows: rows)
        do { try replaceFile(at: path, with: try picture.png()) } catch { throw RunFailure(error) }
    }
}
