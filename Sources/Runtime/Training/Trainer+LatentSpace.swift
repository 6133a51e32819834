// Part of Trainer: the looks at the latent space that are not training: validation, and frames of the animation.
internal import Artifacts
internal import Datasets
internal import Evaluation
internal import ModelCore

extension Trainer {
    func validationLoss() throws -> MeanLoss {
        let network = configuration.network
        if let batch = BatchGradient(network) { return try validationLoss(batch) }
        let sums = try lossSums(
            network, at: parameters, count: examples.validation.count, threads: Machine.evaluationThreads,
            pausing: source.attend, examples: validationSource)
        return MeanLoss(sums)
    }

    /// Of a loss over batches: the test set in batches of the training's size, always the same ones.
    private func validationLoss(_ batch: BatchGradient) throws -> MeanLoss {
        let (network, validation) = (configuration.network, examples.validation)
        let latents = try embedExamples(
            network, at: parameters, count: validation.count, threads: Machine.evaluationThreads,
            pausing: source.attend, examples: validationSource)
        let labels = validation.vectorLabels(of: network.kind)
        let size = configuration.batchSize * network.kind.towers
        var total = LossSums()
        for first in stride(from: 0, to: labels.count, by: size) {
            let rows = first..<min(first + size, labels.count)
            let sums = latents[rows.lowerBound * network.latentDimensions..<rows.upperBound * network.latentDimensions]
                .withUnsafeBufferPointer { latents in
                    guard let start = latents.baseAddress else { return LossSums() }
                    return batch.evaluate(
                        start, labels: Array(labels[rows]),
                        draws: SelectionDraws(validating: network, first: first))
                }
            total.add(sums)
            try source.attend()
        }
        return MeanLoss(total)
    }

    private var validationSource: ExampleSource {
        let (examples, images) = (examples.validation, dataset.test)
        return { range, pixels, targets in
            let bytes = UnsafeMutableRawBufferPointer(start: pixels, count: examples.gatheredSize(of: range))
            examples.gather(range, from: images, into: bytes)
            for (slot, example) in range.enumerated() { targets[slot] = examples.targets[example] }
        }
    }

    func frame(epoch: Int) throws -> LatentFrame {
        LatentFrame(epoch: epoch, latents: try latents(of: dataset.test))
    }

    /// The animation's frames, with one of the end if `--max-steps` cut an epoch short.
    func finalFrames() throws -> [LatentFrame] {
        guard step > 0, !schedule.endsEpoch(step) else { return frames }
        return frames + [try frame(epoch: schedule.epoch(of: step))]
    }

    /// Latent vectors, [image][dimension], at the present weights.
    func latents(of images: ImageSet) throws -> [Float] {
        try images.pixels.withUnsafeBufferPointer { pixels in
            guard let pixels = pixels.baseAddress else { return [] }
            return try embed(
                configuration.network, at: parameters, pixels: pixels, count: images.count,
                threads: Machine.evaluationThreads, pausing: source.attend)
        }
    }
}
