// `siamese generate`: images that a trained autoencoder makes up.
internal import ArgumentParser
internal import Runtime

struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Sample images from a trained vae.",
        discussion: "Latent vectors are drawn from the prior; the same seed gives the same picture.")

    @Argument(help: ArgumentHelp("The model.safetensors of a run of vae.", valueName: "model"))
    var model: String

    @Option(help: "Number of images.")
    var count = 100

    @Option(help: "Seed of the latent vectors.")
    var seed: UInt64 = 0

    @Option(help: ArgumentHelp("The picture that is written.", valueName: "file.png"))
    var output = "./generated.png"

    mutating func validate() throws {
        guard (1...10_000).contains(count) else { throw ValidationError("--count must be from 1 to 10000.") }
        guard !output.isEmpty else { throw ValidationError("--output must name a file.") }
    }

    func run() throws {
        requireInstructions()
        do {
            try Runtime.generate(model: model, count: count, seed: seed, output: output)
            try tell("images \(output)")
        } catch {
            leave(with: error)
        }
    }
}
