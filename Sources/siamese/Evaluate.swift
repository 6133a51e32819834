// `siamese evaluate`: what a trained latent space is good for.
internal import ArgumentParser
internal import Artifacts
internal import Datasets
internal import Evaluation
internal import ModelCore
internal import Runtime
internal import Storage

struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure what a trained latent space is good for.",
        discussion: """
            Embeds the dataset, and compares every query with every reference: k-NN accuracy, retrieval (precision@1, \
            R-precision, MAP@R, recall), verification (ROC, equal error rate), a linear probe, k-means (AMI, NMI), and \
            classification from a few examples. Prints a table, and draws the confusion matrix and the ROC. \
            docs/evaluation.md defines every figure.
            """)

    @OptionGroup var arguments: ModelArguments

    @Option(help: "Nearest references that vote.")
    var k = 5

    @Option(help: "How far apart two latent vectors are (default: that of the run, else euclidean).")
    var distance: Distance?

    @Option(help: "The set whose images are asked for.")
    var queries = Split.test

    @Option(
        help: ArgumentHelp(
            "The set whose images they are compared with.",
            discussion: "If both are the same, no image finds itself."))
    var references = Split.train

    @Option(
        help: ArgumentHelp(
            "Only images of these classes count, in everything: 7,8,9.",
            discussion: "Meant for classes that the network was not trained on; works with any.", valueName: "list"),
        transform: ClassList.init)
    var classes: ClassList?

    @Option(help: "Classes in an episode of classification from a few examples (default: all, at most 5).")
    var ways: Int?

    @Option(help: "Examples of each class that are shown in an episode.")
    var shots = 1

    @Option(help: "Episodes.")
    var episodes = 1000

    @Option(help: "Seed of the episodes and of k-means.")
    var seed: UInt64 = 0

    @Option(help: ArgumentHelp("Folder for the two pictures (default: the model's).", valueName: "dir"))
    var output: String?

    @Flag(help: "Draw no pictures; nothing is written but the table.")
    var noPictures = false

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    mutating func validate() throws {
        try require("--k", k, in: 1...1_000_000)
        guard ways != 1 else { throw ValidationError("--ways must be at least 2: with one class there is no choice.") }
        try require("--ways", ways, in: 2...classCount)
        try require("--shots", shots, in: 1...1000)
        try require("--episodes", episodes, in: 1...1_000_000)
        try require("--output", output, names: "a folder")
        guard output == nil || !noPictures else { throw ValidationError("--output or --no-pictures: name one.") }
    }

    func run() throws {
        do {
            let model = try arguments.loadModel()
            // Found before the work is done, not after it.
            if !noPictures { try createFolder(at: output ?? model.folder) }
            let evaluation = try LatentEvaluation(
                model, on: try arguments.loadDataset(), request(model), threads: arguments.threads.count)
            evaluation.notes.forEach(note)
            let pictures = noPictures ? [] : try evaluation.writePictures(prefix: prefix(model))
            writeResult(
                asJSON: json, evaluation.json(pictures: pictures), table: evaluation.table, pictures: pictures)
        } catch {
            leave(with: RunFailure(error))
        }
    }

    private func request(_ model: TrainedModel) -> EvaluationRequest {
        var request = EvaluationRequest()
        request.questions.k = k
        request.questions.distance = distance ?? model.distance ?? .euclidean
        request.questions.seed = seed
        request.queries = queries
        request.references = references
        request.classes = classes?.classes
        request.ways = ways
        request.shots = shots
        request.episodes = episodes
        return request
    }

    private func prefix(_ model: TrainedModel) -> String {
        let prefix = model.prefix(for: arguments.dataset.name.rawValue)
        guard let output else { return prefix }
        return "\(output)/" + (prefix.split(separator: "/").last.map(String.init) ?? "")
    }
}
