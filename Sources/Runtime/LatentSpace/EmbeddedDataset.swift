// A dataset as a trained network sees it: found, decoded and embedded.
package import Datasets
internal import Evaluation
internal import Glibc
package import ModelCore

/// Which set of a dataset.
package enum Split: String, CaseIterable, Sendable {
    case train
    case test
}

extension Dataset {
    package subscript(split: Split) -> ImageSet { split == .train ? train : test }
}

/// Finds a dataset, as every command does. A signal ends a download, and no `curl` is left behind.
///
/// - Parameters:
///   - signals: the process's watch, if it has one; else there is one for as long as this takes
///   - say: takes the notes
package func loadDataset(
    _ name: DatasetName, data: String?, environment: [String: String], signals: SignalWatch? = nil,
    say: (String) -> Void
) throws(RunFailure) -> Dataset {
    let loader = DatasetLoader(
        .published(name), places: DatasetPlaces(data: data, environment: environment),
        downloader: Downloader(
            environment: environment, showsProgress: isatty(STDERR_FILENO) == 1,
            isCancelled: { SignalWatch.received != nil }))
    do {
        let watch = try signals ?? SignalWatch()
        let found = Result { try loader.load() }
        // Whoever has a watch of its own looks at it, and has more to end than this.
        if let signal = watch.received, signals == nil || (try? found.get()) == nil {
            throw RunFailure(stoppedBy: signal, "stopped while the dataset was read")
        }
        let dataset = try found.get()
        dataset.notes.forEach(say)
        return dataset
    } catch {
        throw RunFailure(error)
    }
}

extension Dataset {
    /// Refuses class numbers that no image has.
    ///
    /// - Parameter option: that they were given with
    func require(_ classes: some Sequence<UInt8>, option: String) throws(RunFailure) {
        let present = Set(train.labels).union(test.labels)
        let missing = classes.filter { !present.contains($0) }
        guard let first = missing.first else { return }
        throw RunFailure(
            .badData,
            "\(option) names class\(missing.count == 1 ? " \(first)" : "es \(list(missing))"), and \(name.rawValue) in "
                + "\(origin) has no such image: its classes are \(list(present.sorted()))")
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
