// `siamese generate`: images that a trained autoencoder makes up.
internal import ArgumentParser
internal import Runtime

struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Sample images from a trained vae.",
        discussion: "Latent vectors are drawn from the prior; the same seed gives the same picture.")

    @Argument(
        help: ArgumentHelp("The …-model.safetensors of a run of vae, or the run's folder.", valueName: "model"))
    var model: String

    @Option(help: "Number of images.")
    var count = 100

    @Option(help: "Seed of the latent vectors.")
    var seed: UInt64 = 0

    @Option(help: ArgumentHelp("File for the picture.", valueName: "file.png"))
    var output = "./generated.png"

    mutating func validate() throws {
        try require("MODEL", model, names: "a file or a folder")
        try require("--count", count, in: 1...10_000)
        try require("--output", output, names: "a file")
    }

    func run() throws {
        requireInstructions()
        do {
            try Runtime.generate(model: model, count: count, seed: seed, output: output)
            try tell("wrote \(output)")
        } catch {
            leave(with: error)
        }
    }
}
