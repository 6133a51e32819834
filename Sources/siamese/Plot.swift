// `siamese plot`: the pictures of a finished run once more.
internal import ArgumentParser
internal import Artifacts
internal import Runtime

struct Plot: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draw the pictures of a finished run again: other format, size or colours.",
        discussion: """
            Needs the run's run.json and model, its checkpoint (losses and frames of the animation) or at least metrics.jsonl, and \
            the dataset, which is embedded again. Without options the pictures have the bytes that the run gave them. In SVG, \
            more than 10,000 points of a scatter are one image of 4 pixels per point; everything else is lines and letters.
            """)

    @Argument(help: ArgumentHelp("A run's folder, or its …-run.json where a folder has several.", valueName: "run"))
    var place: String

    @OptionGroup var picture: PictureArguments

    @Option(
        help: ArgumentHelp(
            "Folder for the pictures (default: the run's, where they replace the old ones).", valueName: "dir"))
    var output: String?

    @Option(
        help: ArgumentHelp(
            "Folder with the dataset's four IDX files (default: the run's own, else look around, then download).",
            valueName: "dir"))
    var data: String?

    @OptionGroup var threads: ThreadOption

    mutating func validate() throws {
        try require("RUN", place, names: "a folder or a file")
        try require("--output", output, names: "a folder")
    }

    func run() throws {
        requireInstructions()
        var request = RedrawingRequest()
        request.style = picture.style
        request.output = output
        request.data = data
        request.threads = threads.count
        do {
            for path in try redraw(place, request, environment: processEnvironment(), say: note) {
                try tell("wrote \(path)")
            }
        } catch {
            leave(with: error)
        }
    }
}
