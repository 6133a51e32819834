// `siamese search`: the images of a dataset that lie nearest to a query.
internal import ArgumentParser
internal import Artifacts
internal import Datasets
internal import Evaluation
internal import ModelCore
internal import Runtime
internal import Storage

struct Search: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find the images of a dataset that are nearest to a query.",
        discussion: """
            A query is an image of the dataset (--query), a PNG file of any size (--image), or every PNG file of a folder \
            (--folder); each of the three may be given several times. Files are made grey, cut to their drawing, resized and centred as the dataset's images are, and inverted \
            where they are dark on light; a line says what was done. Prints a table and draws a picture: the query, then its \
            nearest images, those of its class framed green, others red. The search is exact.
            """)

    @OptionGroup var arguments: ModelArguments

    @Option(
        help: ArgumentHelp("Number of an image in --queries, from 0, or several with commas.", valueName: "list"),
        transform: Self.numbers)
    var query: [[Int]] = []

    @Option(help: ArgumentHelp("PNG file to search with.", valueName: "file.png"))
    var image: [String] = []

    @Option(help: ArgumentHelp("Folder whose PNG files to search with.", valueName: "dir"))
    var folder: [String] = []

    @Option(help: "Nearest images that are told.")
    var count = 10

    @Option(help: "The set that --query counts in (default: test).")
    var queries: Split?

    @Option(help: "The set that is searched. A query does not find itself.")
    var references = Split.train

    @Option(help: "How far apart two latent vectors are (default: that of the run, else euclidean).")
    var distance: Distance?

    @Option(
        help: ArgumentHelp(
            "File that keeps the dataset's latent vectors: made by the first search, used by the next.",
            valueName: "file"))
    var index: String?

    @Option(
        help: ArgumentHelp("File for the picture (default: …-search.png beside the model).", valueName: "file.png"))
    var picture: String?

    @Flag(help: "Draw no picture.")
    var noPicture = false

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    mutating func validate() throws {
        guard [query.isEmpty, image.isEmpty, folder.isEmpty].count(where: { !$0 }) == 1 else {
            throw ValidationError("Give one of --query, --image and --folder.")
        }
        guard queries == nil || !query.isEmpty else {
            throw ValidationError("--queries says which set --query counts in; a file is in none.")
        }
        guard query.joined().count <= Self.mostQueries else {
            throw ValidationError("--query: at most \(Self.mostQueries) images, not \(query.joined().count).")
        }
        try require("--count", count, in: 1...1000)
        for name in image { try require("--image", name, names: "a file") }
        for name in folder { try require("--folder", name, names: "a folder") }
        try require("--index", index, names: "a file")
        try require("--picture", picture, names: "a file")
        guard picture == nil || !noPicture else { throw ValidationError("--picture or --no-picture: name one.") }
    }

    private static let mostQueries = 1000

    private static func numbers(_ text: String) throws -> [Int] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { word in
            guard let number = Int(word), number >= 0 else {
                throw ValidationError("name numbers from 0 on with commas between them, such as 17 or 17,42.")
            }
            return number
        }
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
                model, try arguments.loadDataset(), request, threads: arguments.threads.count)
            search.notes.forEach(note)
            let path = noPicture ? nil : picture ?? model.prefix(for: arguments.dataset.name.rawValue) + "search.png"
            if let path { try search.writePicture(to: path) }
            writeResult(
                asJSON: json, search.json(picture: path), table: search.table, pictures: [path].compactMap(\.self))
        } catch {
            leave(with: RunFailure(error))
        }
    }

    private func source() throws(RunFailure) -> SearchRequest.Queries {
        guard query.isEmpty else { return .numbers(Array(query.joined()), queries ?? .test) }
        var files = image
        for folder in folder { files += try Self.pictures(in: folder) }
        return .files(files)
    }

    private static func pictures(in folder: String) throws(RunFailure) -> [String] {
        let names: [String]
        do { names = try readNames(inFolder: folder) } catch { throw RunFailure(.badData, "\(error)") }
        let pictures = names.filter { $0.lowercased().hasSuffix(".png") }
        guard !pictures.isEmpty else {
            throw RunFailure(.badData, "there is no PNG file in \(folder): name another folder")
        }
        return pictures.map { "\(folder)/\($0)" }
    }
}
