internal import ArgumentParser
internal import Artifacts
internal import Datasets
internal import Evaluation
// `siamese search`: the images of a dataset that lie nearest to a query.
internal import ModelCore
internal import Runtime
internal import Storage

struct Search: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find the images of a dataset that are nearest to a query.",
        discussion: """
            The query is an image of the dataset (--query), a PNG file of any size (--image), or every PNG file of a folder \
            (--folder). Files are made grey, cut to their drawing, resized and centred as the dataset's images are, and inverted \
            where they are dark on light; a line says what was done. Prints a table and draws a picture: the query, then its \
            nearest images, those of its class framed green, others red. The search is exact.
            """)

    @OptionGroup var arguments: ModelArguments

    @Option(help: ArgumentHelp("Number of an image in --queries, or several with commas.", valueName: "index"))
    var query: String?

    @Option(help: ArgumentHelp("PNG file to search with.", valueName: "file.png"))
    var image: String?

    @Option(help: ArgumentHelp("Folder whose PNG files to search with.", valueName: "dir"))
    var folder: String?

    @Option(help: "Nearest images that are told.")
    var count = 10

    @Option(help: "The half of the dataset that --query counts in: test or train.")
    var queries = Split.test

    @Option(help: "The half of the dataset that is searched: train or test. A query does not find itself.")
    var references = Split.train

    @Option(help: "euclidean, squared or cosine (default: that of the run, else euclidean).")
    var distance: Distance?

    @Option(
        help: ArgumentHelp(
            "File that keeps the dataset's latent vectors: made by the first search, used by the next.",
            valueName: "file"))
    var index: String?

    @Option(help: "File for the picture (default: …-search.png beside the model).")
    var picture: String?

    @Flag(help: "Draw no picture.")
    var noPicture = false

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    mutating func validate() throws {
        guard [query, image, folder].compactMap(\.self).count == 1 else {
            throw ValidationError("Give one of --query, --image and --folder.")
        }
        guard query.map({ Self.numbers($0) != nil }) ?? true else {
            throw ValidationError("--query must be numbers from 0 on with commas, such as 17 or 17,42.")
        }
        guard (1...1000).contains(count) else { throw ValidationError("--count must be from 1 to 1000, not \(count).") }
        for (name, value) in [
            ("--image", image), ("--folder", folder), ("--index", index), ("--picture", picture),
        ] where value?.isEmpty == true {
            throw ValidationError("\(name) must not be empty.")
        }
        guard picture == nil || !noPicture else { throw ValidationError("--picture or --no-picture: name one.") }
    }

    private static func numbers(_ text: String) -> [Int]? {
        let words = text.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = words.compactMap { Int($0) }.filter { $0 >= 0 }
        return numbers.count == words.count && numbers.count <= 1000 ? numbers : nil
    }

    func run() throws {
        do {
            let model = try arguments.loadModel()
            var request = SearchRequest(try source())
            request.references = references
            request.count = count
            request.distance = distance ?? model.distance ?? .euclidean
            request.index = index
            let search = try ImageSearch(
                model, try arguments.loadDataset(), request, threads: arguments.threadCount)
            search.notes.forEach(note)
            let path = noPicture ? nil : picture ?? model.prefix(for: arguments.dataset.name.rawValue) + "search.png"
            if let path { try search.writePicture(to: path) }
            if json { return writeOutput(search.json(picture: path).pretty()) }
            writeOutput(Array((search.table + (path.map { "\npicture \($0)\n" } ?? "")).utf8))
        } catch {
            leave(with: RunFailure(error))
        }
    }

    private func source() throws(RunFailure) -> SearchRequest.Queries {
        if let numbers = query.flatMap(Self.numbers) { return .numbers(numbers, queries) }
        if let image { return .files([image]) }
        let folder = folder ?? "."
        let names: [String]
        do { names = try readNames(inFolder: folder) } catch { throw RunFailure(.badData, "\(error)") }
        let pictures = names.filter { $0.lowercased().hasSuffix(".png") }
        guard !pictures.isEmpty else {
            throw RunFailure(.badData, "there is no PNG file in \(folder): name another folder")
        }
        return .files(pictures.map { "\(folder)/\($0)" })
    }
}
