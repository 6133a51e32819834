// The pictures of a run from what it has learned, as `train` draws them at its end and `plot` draws them again: same input, same bytes.
internal import Artifacts
internal import Datasets
internal import ModelCore

/// The pictures of one run.
struct RunPictures {
    let network: NetworkDescription
    let dataset: DatasetName
    var style = PictureStyle()

    private var title: String { "\(network.kind.rawValue), \(dataset.rawValue)" + geometry }

    /// What is not as everywhere else: vectors of length 1, another distance than the euclidean.
    private var geometry: String {
        guard network.kind.isInBatch else { return "" }
        let distance = network.inBatch.distance
        return (network.inBatch.isNormalized ? ", normalized" : "")
            + (distance == .euclidean ? "" : ", \(distance.rawValue) distance")
    }

    /// The loss, and each of its terms where it has two.
    func stats(_ epochs: [TrainingRecord.Epoch]) throws -> [UInt8] {
        let losses = LossPlot(
            title: "\(title): loss", quantity: network.kind.lossQuantity,
            epochs: epochs.map { .init(number: $0.number, training: $0.trainLoss, validation: $0.testLoss) })
        guard network.kind.hasTwoTerms else { return try losses.encoded(style) }
        let terms = epochs.map { (train: $0.trainTerms(of: network), test: $0.testTerms(of: network)) }
        let reconstruction = zip(epochs, terms).map { epoch, terms in
            LossPlot.Epoch(
                number: epoch.number, training: terms.train?.reconstruction, validation: terms.test?.reconstruction)
        }
        let divergence = zip(epochs, terms).map { epoch, terms in
            LossPlot.Epoch(number: epoch.number, training: terms.train?.divergence, validation: terms.test?.divergence)
        }
        let plots = [
            losses, LossPlot(title: "reconstruction", quantity: "nats per image", epochs: reconstruction),
            LossPlot(
                title: "KL divergence\(network.beta == 1 ? "" : ", unweighted")", quantity: "nats per image",
                epochs: divergence),
        ]
        return try LossPlot.encoded(plots, style)
    }

    /// - Parameters:
    ///   - latents: [image][dimension]
    ///   - set: the images, in words
    func scatter(_ latents: [Float], labels: [UInt8], of set: String) throws -> [UInt8] {
        let points = Embeddings(dimensions: network.latentDimensions, values: latents, labels: labels)
        return try ScatterPlot(title: "\(title): \(set)", points: points, classNames: dataset.classNames)
            .encoded(style)
    }

    /// A GIF, whatever the style's format; nil without frames.
    ///
    /// - Parameter labels: of the test set, which every frame is of
    func animation(_ frames: [LatentFrame], labels: [UInt8]) throws -> [UInt8]? {
        var animation = LatentAnimation(title: "\(title): test set", classNames: dataset.classNames)
        for frame in frames {
            animation.append(
                epoch: frame.epoch,
                points: Embeddings(
                    dimensions: network.latentDimensions, values: frame.latents, labels: labels))
        }
        return try animation.gif(style)
    }

    /// Nil where the network makes no images.
    func autoencoder(_ parameters: ParameterBuffer) -> AutoencoderPictures? {
        guard network.kind == .variationalAutoencoder else { return nil }
        return AutoencoderPictures(network: network, parameters: parameters, title: title)
    }
}

extension NetworkKind {
    /// What the axis of a loss plot says.
    var lossQuantity: String { hasTwoTerms ? "nats per image" : "mean loss" }
}
