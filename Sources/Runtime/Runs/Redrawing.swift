// `siamese plot`: the pictures of a finished run once more, in another format, size or palette.
package import Artifacts
internal import Datasets
internal import Evaluation
internal import ModelCore
internal import Storage

/// What the user wants drawn, and how.
package struct RedrawingRequest: Sendable {
    package var style = PictureStyle()
    /// Nil: the run's folder.
    package var output: String?
    package var data: String?
    package var threads = 1

    package init() {}
}

/// Draws every picture of the run at `place`, and returns the paths. The losses come first: they need no dataset.
///
/// - Parameter say: takes what the user should know beside
package func redraw(
    _ place: String, _ request: RedrawingRequest, environment: [String: String], say: (String) -> Void
) throws(RunFailure) -> [String] {
    do {
        let run = try FinishedRun(at: place)
        let model = try run.model()
        model.notes.forEach(say)
        if let output = request.output { try createFolder(at: output) }
        let past = try run.past()
        if let note = past.note { say(note) }
        var drawing = Redrawing(run: run, model: model, request: request)
        try drawing.write(drawing.pictures.stats(past.epochs), "stats")
        let images = try run.images(data: request.data, environment: environment, say: say)
        try drawing.write(past, images, say: say)
        return drawing.paths
    } catch {
        throw RunFailure(error)
    }
}

private struct Redrawing {
    let run: FinishedRun
    let model: TrainedModel
    let request: RedrawingRequest
    private(set) var paths: [String] = []

    init(run: FinishedRun, model: TrainedModel, request: RedrawingRequest) {
        self.run = run
        self.model = model
        self.request = request
    }

    var pictures: RunPictures { RunPictures(network: model.network, dataset: run.dataset, style: request.style) }

    mutating func write(_ bytes: [UInt8], _ name: String, as suffix: String? = nil) throws {
        let path = "\(request.output ?? run.folder)/\(run.name)-\(name).\(suffix ?? request.style.format.rawValue)"
        try replaceFile(at: path, with: bytes)
        paths.append(path)
    }

    /// Everything that needs images.
    mutating func write(_ past: FinishedRun.Past, _ images: Dataset, say: (String) -> Void) throws {
        if let made = pictures.autoencoder(model.parameters) {
            try write(made.reconstructions(of: images.test).encoded(request.style), "reconstructions")
            try write(made.manifold.encoded(request.style), "manifold")
        }
        for (set, name, words) in [
            (images.train, "training", "training set"), (images.test, "testing", "test set"),
        ] {
            let vectors = model.embed(set, threads: request.threads)
            try write(
                pictures.scatter(vectors.values, labels: vectors.labels, of: words), "\(name)-set-embedding")
        }
        guard run.configuration["animation"] == .bool(true) else { return }
        var frames = past.frames
        guard frames.allSatisfy({ $0.latents.count == images.test.count * model.network.latentDimensions }),
            !frames.isEmpty
        else {
            say("no animation: the frames are kept in the run's checkpoint, and it has none for these images")
            return
        }
        if past.endsWithinEpoch, let epoch = past.epochs.last?.number {
            frames.append(
                LatentFrame(epoch: epoch, latents: model.embed(images.test, threads: request.threads).values))
        }
        if let gif = try pictures.animation(frames, labels: images.test.labels) {
            try write(gif, "latent-space-development", as: "gif")
        }
    }
}
