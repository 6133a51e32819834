// A dataset as a trained network sees it: found, decoded and embedded.
internal import Artifacts
package import Datasets
package import Evaluation
internal import Glibc
internal import ModelCore

/// Which half of a dataset.
package enum Split: String, CaseIterable, Sendable {
    case train
    case test
}

extension Dataset {
    package subscript(split: Split) -> ImageSet { split == .train ? train : test }
}

extension DatasetName {
    /// Names of the classes, by label.
    package var classNames: [String] { self == .fashionMNIST ? ClassNames.fashion : ClassNames.digits }
}

/// Finds a dataset as `siamese train` does. Notes are given to `say`.
package func loadDataset(
    _ name: DatasetName, data: String?, environment: [String: String], say: (String) -> Void
) throws(RunFailure) -> Dataset {
    let loader = DatasetLoader(
        .published(name), places: DatasetPlaces(data: data, environment: environment),
        downloader: Downloader(
            environment: environment, showsProgress: isatty(STDERR_FILENO) == 1, isCancelled: { false }))
    do {
        let dataset = try loader.load()
        dataset.notes.forEach(say)
        return dataset
    } catch {
        throw RunFailure(error)
    }
}

extension TrainedModel {
    /// The latent vectors of images, in order.
    package func embed(_ images: ImageSet, threads: Int) -> Embeddings {
        embed(pixels: images.pixels, labels: images.labels, threads: threads)
    }

    /// - Parameter pixels: [image][784 bytes]
    package func embed(pixels: [UInt8], labels: [UInt8], threads: Int) -> Embeddings {
        let values = pixels.withUnsafeBufferPointer { pixels -> [Float] in
            guard let start = pixels.baseAddress else { return [] }
            return Evaluation.embed(
                network, at: parameters, pixels: start, count: labels.count, threads: threads, pausing: {})
        }
        return Embeddings(dimensions: network.latentDimensions, values: values, labels: labels)
    }
}
