// Whole networks in this process, on images of noise: embedding, the gradient of a microbatch, and whole steps. No sockets, no
// dataset.
internal import Coordination
internal import ModelCore

/// Microbatches that a workload walks through, so that their pixels are not always the same cache lines.
private let microbatches = 32

/// Embedding as many images as are embedded at once; the network's kind makes no difference.
func embeddingWorkload(_ architecture: Architecture) -> Workload {
    let network = NetworkDescription(kind: .embeddingClassification, architecture: architecture)
    let embedder = Embedder(network)
    let parameters = ParameterLayout(network).initialParameters(seed: 1)
    let images = Embedder.capacity
    let noise = NoiseExamples(microbatches * images, towers: 1)
    let latents = ParameterBuffer(count: images * network.latentDimensions)
    let operations = images * OperationCount(architecture).forward
    return Workload(.embedding(architecture), Work(images: images, operations: operations)) { times in
        for turn in 0..<times {
            let first = turn % microbatches * images
            embedder.embed(
                noise.pixels + first * imagePixels, images: images, at: parameters.floats,
                into: latents.floats)
        }
    }
}

/// The gradient of a microbatch.
func trainingWorkload(_ kind: NetworkKind, _ architecture: Architecture) -> Workload {
    let bench = MicrobatchBench(kind, architecture)
    let images = microbatchSize * kind.towers
    return Workload(
        .training(kind, architecture),
        Work(images: images, operations: images * OperationCount(architecture, kind: kind).training)
    ) { times in
        for turn in 0..<times {
            _ = bench.computer.gradient(
                of: bench.microbatch(turn), at: bench.parameters.floats, into: bench.gradient.floats)
        }
    }
}

/// The loss of eight examples with its gradients, which is the same in all architectures.
func lossWorkload(_ kind: NetworkKind) -> Workload {
    let bench = MicrobatchBench(kind, .seed)
    // Leaves latent vectors behind.
    _ = bench.computer.loss(of: bench.microbatch(0), at: bench.parameters.floats)
    return Workload(.kernel("loss, \(kind.rawValue)", nil), Work(images: microbatchSize * kind.towers)) {
        _ = bench.computer.lossOfLatents(
            bench.microbatch(0), bench.parameters.floats, headGradient: bench.gradient.floats)
    }
}

/// A network with examples to compute on.
private final class MicrobatchBench {
    let computer: MicrobatchGradient
    let parameters: ParameterBuffer
    let gradient: ParameterBuffer
    private let noise: NoiseExamples

    init(_ kind: NetworkKind, _ architecture: Architecture) {
        computer = MicrobatchGradient(NetworkDescription(kind: kind, architecture: architecture))
        parameters = computer.layout.initialParameters(seed: 1)
        gradient = ParameterBuffer(count: computer.layout.paddedCount)
        noise = NoiseExamples(microbatches * microbatchSize, towers: kind.towers)
    }

    func microbatch(_ turn: Int) -> Microbatch {
        let first = turn % microbatches * microbatchSize
        return Microbatch(
            pixels: noise.pixels + first * imagePixels, towerStride: noise.examples * imagePixels,
            targets: noise.targets + first, examples: microbatchSize)
    }
}

/// Whole steps of one network and number of threads, of any batch size up to the number of examples.
final class StepBench {
    private let network: NetworkDescription
    private let threads: Int
    private let computer: ShardComputer
    private let parameters: ParameterBuffer
    private let noise: NoiseExamples
    private var adam: Adam

    init(_ kind: NetworkKind, _ architecture: Architecture, threads: Int, noise: NoiseExamples) {
        network = NetworkDescription(kind: kind, architecture: architecture)
        self.threads = threads
        self.noise = noise
        computer = ShardComputer(network, threads: threads)
        parameters = ParameterLayout(network).initialParameters(seed: 1)
        // A rate at which the network does not change over the run, and so neither its work.
        adam = Adam(learningRate: 1e-9, parameterCount: parameters.count)
    }

    func workload(_ subject: Subject, batchSize: Int) -> Workload {
        let images = batchSize * network.kind.towers
        let operations = images * OperationCount(network.architecture, kind: network.kind).training
        return Workload(subject, Work(images: images, operations: operations)) { self.step(batchSize) }
    }

    /// All microbatches, their sum, and Adam.
    private func step(_ batchSize: Int) {
        let extent = StepExtent(examples: batchSize, examplesPerMicrobatch: microbatchSize)
        let lease = ShardLease(
            run: .none, step: adam.step, shard: 0, lease: 1,
            range: MicrobatchRange(first: 0, count: extent.microbatches), extent: extent,
            imagesPerExample: network.kind.towers)
        let examples = ShardExamples(pixels: noise.pixels, targets: noise.targets)
        for partial in computer.compute(lease, examples, weights: parameters.floats, between: { _ in }) {
            if let sum = partial.gradient.values.baseAddress {
                adam.update(parameters, to: parameters, gradientSum: sum, exampleCount: batchSize)
            }
            computer.recycle(partial.gradient)
        }
    }
}
