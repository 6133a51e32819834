// What is left of a finished run: model file, plots, animation, run.json.
internal import Artifacts
internal import Datasets
internal import ModelCore
internal import Storage

/// Writes the files of a finished run.
struct RunArtefacts {
    let trainer: Trainer
    let folder: RunFolder

    private var configuration: TrainingConfiguration { trainer.configuration }
    private var pictures: RunPictures {
        RunPictures(network: configuration.network, dataset: configuration.dataset)
    }

    /// The model file and its SHA-256.
    var model: (bytes: [UInt8], digest: String) {
        let bytes = modelFile(trainer.layout, trainer.parameters)
        return (bytes, "\(SHA256.digest(of: bytes))")
    }

    func writePlots(_ record: TrainingRecord) throws {
        try folder.write(try pictures.stats(record.epochs), to: folder.stats)
        if let made = pictures.autoencoder(trainer.parameters) {
            try folder.write(made.reconstructions(of: trainer.dataset.test).png(), to: folder.reconstructions)
            try folder.write(made.manifold.png(), to: folder.manifold)
        }
        for (set, name, path) in [
            (trainer.dataset.train, "training set", folder.trainingEmbedding),
            (trainer.dataset.test, "test set", folder.testingEmbedding),
        ] {
            let picture = try pictures.scatter(try trainer.latents(of: set), labels: set.labels, of: name)
            try folder.write(picture, to: path)
        }
        guard configuration.animation else { return }
        if let gif = try pictures.animation(try trainer.finalFrames(), labels: trainer.dataset.test.labels) {
            try folder.write(gif, to: folder.animation)
        }
    }
}
