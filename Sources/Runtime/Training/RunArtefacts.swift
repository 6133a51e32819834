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
        try folder.write(try stats(record), to: folder.stats)
        if configuration.network.kind == .variationalAutoencoder {
            let pictures = AutoencoderPictures(
                network: configuration.network, parameters: trainer.parameters, title: title)
            try folder.write(pictures.reconstructions(of: trainer.dataset.test).png(), to: folder.reconstructions)
            try folder.write(pictures.manifold.png(), to: folder.manifold)
        }
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

    /// The loss, and each of its terms where it has two.
    private func stats(_ record: TrainingRecord) throws -> [UInt8] {
        let epochs = record.epochs
        let losses = LossPlot(
            title: "\(title): loss",
            epochs: epochs.map { .init(number: $0.number, training: $0.trainLoss, validation: $0.testLoss) })
        guard configuration.network.kind.hasTwoTerms else { return try losses.png() }
        let terms = epochs.map { epoch in
            (train: epoch.trainTerms(of: configuration.network), test: epoch.testTerms(of: configuration.network))
        }
        let reconstruction = zip(epochs, terms).map { epoch, terms in
            LossPlot.Epoch(
                number: epoch.number, training: terms.train?.reconstruction, validation: terms.test?.reconstruction)
        }
        let divergence = zip(epochs, terms).map { epoch, terms in
            LossPlot.Epoch(number: epoch.number, training: terms.train?.divergence, validation: terms.test?.divergence)
        }
        return try LossPlot.png(of: [
            losses, LossPlot(title: "reconstruction", quantity: "nats per image", epochs: reconstruction),
            LossPlot(
                title: "KL divergence\(configuration.network.beta == 1 ? "" : ", unweighted")",
                quantity: "nats per image", epochs: divergence),
        ])
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
