// `siamese export`: a trained model for other programs.
internal import ArgumentParser
internal import ModelCore
internal import Runtime

struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a trained model as ONNX.",
        discussion: """
            Opset 17, IR version 8. Input: images, float32 [N, 1, 28, 28], grey values from 0 to 1 (bytes divided by 255). Output: \
            embedding, float32 [N, latent dimensions], as siamese embed computes it within 1e-5, with the normalization of \
            networks that have one. --with-head adds an output: embedding-classification log_probabilities [N, 10]; \
            siamese-binary-cross-entropy probability [N, M] that an image and a reference are of the same class, and the input \
            references, float32 [M, latent dimensions]: embeddings of other images; vae reconstruction [N, 1, 28, 28]. \
            Runs in ONNX Runtime and whatever else reads ONNX: docs/onnx.md.
            """)

    @Argument(
        help: ArgumentHelp("The …-model.safetensors of a run, or the run's folder.", valueName: "model"))
    var model: String

    @Option(help: "The format; so far there is one.")
    var format = ExportFormat.onnx

    @Option(help: ArgumentHelp("The file that is written (default: …-model.onnx beside the model).", valueName: "file"))
    var output: String?

    @Flag(help: "With the network's head, where it has one: see above.")
    var withHead = false

    mutating func validate() throws {
        try require("MODEL", model, names: "a file or a folder")
        try require("--output", output, names: "a file")
    }

    func run() throws {
        let trained: TrainedModel
        do { trained = try TrainedModel(at: model) } catch { leave(with: error) }
        guard !withHead || trained.network.kind.hasExportableHead else {
            throw ValidationError(
                "--with-head is for embedding-classification, siamese-binary-cross-entropy and vae; \(trained.path) is of "
                    + "\(trained.name), which has no head.")
        }
        do {
            trained.notes.forEach(note)
            try tell("wrote \(try trained.writeONNX(to: output, withHead: withHead))")
        } catch {
            leave(with: error)
        }
    }
}

enum ExportFormat: String, CaseIterable, ExpressibleByArgument {
    case onnx
}
