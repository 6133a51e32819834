// What `evaluate`, `embed` and `search` have in common: which model, which dataset, which distance.
internal import ArgumentParser
internal import Datasets
internal import Evaluation
internal import Glibc
internal import Runtime

struct ModelArguments: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "The …-model.safetensors of a run, or the run's folder. What network it is comes from the run.json beside it, else "
                + "from the file's own names and shapes.", valueName: "model"))
    var model: String

    @Argument(help: ArgumentHelp("MNIST or FashionMNIST.", valueName: "dataset"))
    var dataset: DatasetArgument

    @Option(help: "Folder with the dataset's four IDX files, gzipped or not (default: look around, then download).")
    var data: String?

    @Option(help: "Threads (default: one per core).")
    var threads: Int?

    mutating func validate() throws {
        guard !model.isEmpty else { throw ValidationError("MODEL must name a file or a folder.") }
        guard (1...1024).contains(threads ?? 1) else { throw ValidationError("--threads must be from 1 to 1024.") }
    }

    var threadCount: Int { threads ?? Machine.cores }

    func loadModel() throws(RunFailure) -> TrainedModel {
        requireInstructions()
        return try TrainedModel(at: model)
    }

    func loadDataset() throws(RunFailure) -> Dataset {
        try Runtime.loadDataset(dataset.name, data: data, environment: processEnvironment(), say: note)
    }
}

extension Split: ExpressibleByArgument {}

/// One line on standard error that is no failure.
func note(_ text: String) {
    var line = "note: \(text)\n"
    line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

/// The classes of "7,8,9", ascending; nil if it is none.
func parseClasses(_ text: String) -> [UInt8]? {
    let words = text.split(separator: ",", omittingEmptySubsequences: false)
    let classes = words.compactMap { UInt8($0) }.filter { $0 < 10 }
    guard classes.count == words.count, Set(classes).count == classes.count else { return nil }
    return classes.sorted()
}
