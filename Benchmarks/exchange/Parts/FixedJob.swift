// A step's input out of thin air: pixels that nobody looks at, so that no dataset is needed.
internal import Coordination
package import Datasets
package import Messaging
package import ModelCore
package import Runtime

/// The same examples in every step of a network.
package struct FixedJob {
    package let network: NetworkDescription
    package let images: ImageSet
    package let examples: ExampleIndices
    package let weights: ParameterBuffer
    package let weightsFrame: Frame

    package init(_ network: NetworkDescription, examples count: Int) throws {
        self.network = network
        let imageCount = max(count, 1024)
        let images = ImageSet(
            pixels: (0..<imageCount * imagePixels).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) },
            labels: (0..<imageCount).map { UInt8($0 % classCount) })
        let kind: ExampleKind = [.labelled, .pair, .triplet][network.kind.towers - 1]
        let sampler = try Sampler(kind: kind, labels: images.labels, seed: 1).epoch(1)
        self.images = images
        examples = sampler.batch(positions: 0..<count)
        weights = ParameterLayout(network).initialParameters(seed: 1)
        weightsFrame = Frame(borrowing: weights, bytes: weights.bytes)
    }

    /// One step as the trainer takes it, but for the optimizer: the weights go out, then the examples of the next step, and the
    /// partials come in; of a step of two rounds, the latent vectors before.
    package func takeStep(_ number: UInt64, _ shell: CoordinatorShell) throws {
        try shell.begin(input(number, firstTask), weights: weightsFrame)
        if network.kind.isInBatch {
            let second = input(number, .gradientsOfLatents)
            try shell.prepare(second)
            // Their loss is not computed: as many zeros as its gradient would have.
            let gradients = Frame([UInt8](repeating: 0, count: 4 * (try shell.latents().count)))
            try shell.begin(second, weights: weightsFrame, latentGradients: gradients)
        }
        try shell.prepare(input(number + 1, firstTask))
        shell.recycle(try shell.gradientSum().gradient)
    }

    private var firstTask: ShardTask { network.kind.isInBatch ? .embeddings : .gradients }

    private func input(_ number: UInt64, _ task: ShardTask) -> StepInput {
        StepInput(number: number, task: task, examples: examples, images: images)
    }
}
