// `siamese compare`: several finished runs side by side.
internal import ArgumentParser
internal import Artifacts
internal import Runtime

struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare finished runs: losses in one plot, latent spaces in one picture, figures in one table.",
        discussion: """
            Embeds each run's dataset (or --dataset) and searches the training set for every test image: k-NN accuracy, MAP@R, \
            R-precision, recall@1, area under the ROC and equal error rate, as siamese evaluate defines them. With --output, \
            draws comparison-losses and comparison-embeddings. Losses of different networks are different quantities, so each \
            network has a plot of its own.
            """)

    @Argument(help: ArgumentHelp("Folders of runs, or their …-run.json; at most ten.", valueName: "run"))
    var runs: [String]

    @Option(help: ArgumentHelp("Folder for the two pictures (default: none are drawn).", valueName: "dir"))
    var output: String?

    @Option(help: "One dataset for all runs (default: what each was trained on).")
    var dataset: DatasetArgument?

    @Option(
        help: ArgumentHelp(
            "Folder with the dataset's four IDX files (default: the run's own, else look around, then download).",
            valueName: "dir"))
    var data: String?

    @Option(help: "Nearest references that vote.")
    var k = 5

    @Option(help: "Latent spaces in a row of the picture.")
    var columns = 5

    @OptionGroup var picture: PictureArguments

    @OptionGroup var threads: ThreadOption

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    mutating func validate() throws {
        guard (1...RunComparison.mostRuns).contains(runs.count), !runs.contains("") else {
            throw ValidationError("Name one to \(RunComparison.mostRuns) runs, not \(runs.count).")
        }
        try require("--output", output, names: "a folder")
        try require("--k", k, in: 1...1_000_000)
        try require("--columns", columns, in: 1...RunComparison.mostRuns)
    }

    func run() throws {
        requireInstructions()
        var request = ComparisonRequest()
        request.dataset = dataset?.name
        request.data = data
        request.threads = threads.count
        request.k = k
        request.columns = columns
        request.style = picture.style
        do {
            let comparison = try RunComparison(runs, request, environment: processEnvironment(), say: note)
            let pictures =
                try output.map { folder throws(RunFailure) in try comparison.writePictures(to: folder) } ?? []
            writeResult(
                asJSON: json, comparison.json(pictures: pictures), table: comparison.table, pictures: pictures)
        } catch {
            leave(with: RunFailure(error))
        }
    }
}
