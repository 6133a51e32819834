// `siamese embed`: the latent vectors of a dataset as a file.
internal import ArgumentParser
internal import Runtime
internal import Storage

struct Embed: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write the latent vectors of a dataset to files.",
        discussion: """
            npy: SPLIT-vectors.npy (float32) and SPLIT-labels.npy for numpy. csv: SPLIT-vectors.csv with a heading. jsonl: \
            SPLIT-vectors.jsonl, an object a line. projector: a folder for TensorBoard's embedding projector \
            (tensorboard --logdir DIR), with every vector's image.
            """)

    @OptionGroup var arguments: ModelArguments

    @Option(help: ArgumentHelp("Folder for the files; made if it is missing.", valueName: "dir"))
    var output: String

    @Option(help: "The set whose images are embedded.")
    var split = Split.test

    @Option(help: "The format of the files: see above.")
    var format = EmbeddingFormat.npy

    mutating func validate() throws {
        try require("--output", output, names: "a folder")
    }

    func run() throws {
        do {
            let model = try arguments.loadModel()
            // Found before the work is done, not after it.
            try createFolder(at: output)
            model.notes.forEach(note)
            let dataset = try arguments.loadDataset()
            let vectors = model.embed(dataset[split], threads: arguments.threads.count)
            let files = EmbeddingFiles(
                folder: output, model: model, dataset: dataset, split: split, vectors: vectors)
            for path in try files.write(format) { try tell("wrote \(path)") }
        } catch {
            leave(with: RunFailure(error))
        }
    }
}

extension EmbeddingFormat: ExpressibleByArgument {}
