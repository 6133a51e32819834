// One step through a coordinator's shell, of as many rounds as its network takes, for tests of what happens to the workers meanwhile.
import Coordination
import Datasets
import Messaging
import ModelCore
import Runtime
import TestKit

/// Sixty images of noise.
struct StepFixture {
    private let images: ImageSet

    init() {
        var random = SplitMix64(seed: 9)
        images = ImageSet(
            pixels: (0..<60 * imagePixels).map { _ in UInt8(random.below(256)) },
            labels: (0..<60).map { UInt8($0 % 10) })
    }

    /// The sum of a step, whose rounds are as many as the network's.
    func sum(_ step: UInt64, _ network: NetworkDescription, of shell: CoordinatorShell) throws
        -> ShardFixture.Sum
    {
        let kind: ExampleKind = network.kind.isInBatch ? .labelled : .pair
        let examples = try Sampler(kind: kind, labels: images.labels, seed: 1).epoch(1).batch(positions: 0..<48)
        let weights = ParameterLayout(network).initialParameters(seed: 3)
        let frame = Frame(borrowing: weights, bytes: weights.bytes)
        func begin(_ task: ShardTask, _ latentGradients: Frame? = nil) throws {
            try shell.begin(
                StepInput(number: step, task: task, examples: examples, images: images), weights: frame,
                latentGradients: latentGradients)
        }
        if let batch = BatchGradient(network) {
            try begin(.embeddings)
            // Of NT-Xent: the two views of an image are a class.
            let labels = network.kind == .ntXent ? (0..<96).map { Int32($0 / 2) } : examples.targets
            _ = batch.evaluate(
                try shell.latents(), labels: labels, draws: SelectionDraws(network, step: step))
            try begin(.gradientsOfLatents, batch.latentGradient.withUnsafeBytes { Frame(copying: $0) })
        } else {
            try begin(.gradients)
        }
        let sum = try shell.gradientSum()
        defer { shell.recycle(sum.gradient) }
        return ShardFixture.Sum(sum)
    }
}
