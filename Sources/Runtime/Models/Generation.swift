// `generate`: a picture of images that a trained variational autoencoder makes up.
internal import Artifacts
internal import ModelCore
internal import Storage

/// Samples `count` images from the model at `path` and writes them, as one PNG, to `output`.
package func generate(model path: String, count: Int, seed: UInt64, output: String) throws(RunFailure) {
    let model = try TrainedModel(at: path)
    guard model.network.kind == .variationalAutoencoder else {
        throw RunFailure(
            .badData,
            "\(path) is a model of \(model.name): only a vae can make images up. Name the model of a vae")
    }
    do {
        let pictures = AutoencoderPictures(
            network: model.network, parameters: model.parameters,
            title:
                "\(([model.network.kind.rawValue] + [model.dataset].compactMap(\.self)).joined(separator: ", ")): \(count) samples"
        )
        try replaceFile(at: output, with: pictures.samples(count, seed: seed).png())
    } catch {
        throw RunFailure(error)
    }
}
