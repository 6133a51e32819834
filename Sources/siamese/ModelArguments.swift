// What `evaluate`, `embed` and `search` have in common: which model and which dataset, and how many threads.
internal import ArgumentParser
internal import Datasets
internal import Evaluation
internal import Runtime

struct ModelArguments: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "The …-model.safetensors of a run, or the run's folder. What network it is comes from the run.json beside it, else "
                + "from the file's own names and shapes.", valueName: "model"))
    var model: String

    @Argument(help: ArgumentHelp("In any letter case.", valueName: "dataset"))
    var dataset: DatasetArgument

    @Option(
        help: ArgumentHelp(
            "Folder with the dataset's four IDX files, gzipped or not (default: look around, then download).",
            valueName: "dir"))
    var data: String?

    @OptionGroup var threads: ThreadOption

    mutating func validate() throws { try require("MODEL", model, names: "a file or a folder") }

    func loadModel() throws(RunFailure) -> TrainedModel {
        requireInstructions()
        return try TrainedModel(at: model)
    }

    func loadDataset() throws(RunFailure) -> Dataset {
        try Runtime.loadDataset(dataset.name, data: data, environment: processEnvironment(), say: note)
    }
}

extension Split: ExpressibleByArgument {}
