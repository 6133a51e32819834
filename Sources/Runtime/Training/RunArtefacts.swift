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
    private var title: String { "\(configuration.network.kind.rawValue), \(configuration.dataset.rawValue)" }
    private var classNames: [String] {
        configuration.dataset == .fashionMNIST ? ClassNames.fashion : ClassNames.digits
    }

    /// The model file and its SHA-256.
    var model: (bytes: [UInt8], digest: String) {
        let bytes = modelFile(trainer.layout, trainer.parameters)
        return (bytes, "\(SHA256.digest(of: bytes))")
    }

    func writePlots(_ record: TrainingRecord) throws {
        let epochs = record.epochs.map {
            LossPlot.Epoch(number: $0.number, training: $0.trainLoss, validation: $0.testLoss)
        }
        try folder.write(LossPlot(title: "\(title): loss", epochs: epochs).png(), to: folder.stats)
        for (set, name, path) in [
            (trainer.dataset.train, "training set", folder.trainingEmbedding),
            (trainer.dataset.test, "test set", folder.testingEmbedding),
        ] {
            let points = LatentPoints(
                dimensions: configuration.network.latentDimensions, values: try trainer.latents(of: set),
                labels: set.labels)
            try folder.write(
                ScatterPlot(title: "\(title): \(name)", points: points, classNames: classNames).png(), to: path)
        }
        if configuration.animation { try writeAnimation() }
    }

    private func writeAnimation() throws {
        var animation = LatentAnimation(title: "\(title): test set", classNames: classNames)
        for frame in try trainer.finalFrames() {
            animation.append(
                epoch: frame.epoch,
                points: LatentPoints(
                    dimensions: configuration.network.latentDimensions, values: frame.latents,
                    labels: trainer.dataset.test.labels))
        }
        if let gif = try animation.gif() { try folder.write(gif, to: folder.animation) }
    }
}
