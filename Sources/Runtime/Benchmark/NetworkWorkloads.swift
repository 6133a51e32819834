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

/// The gradient of a microbatch; of the in-batch family, both rounds of it.
func trainingWorkload(_ kind: NetworkKind, _ architecture: Architecture) -> Workload {
    let bench = MicrobatchBench(kind, architecture)
    let images = microbatchSize * kind.towers
    return Workload(
        .training(kind, architecture),
        Work(images: images, operations: images * OperationCount(architecture, kind: kind).training)
    ) { times in
        for turn in 0..<times { bench.gradient(of: bench.microbatch(turn)) }
    }
}

/// The loss of eight examples with its gradients, which is the same in all architectures; of the in-batch family, that of a batch.
func lossWorkloads(_ kind: NetworkKind) -> [Workload] {
    kind.isInBatch ? batchLossWorkloads(kind) : [microbatchLossWorkload(kind)]
}

private func microbatchLossWorkload(_ kind: NetworkKind) -> Workload {
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
    private let examples: NoiseExamples
    /// Of a microbatch, and a gradient of them: for the in-batch family.
    private let latents: ParameterBuffer
    private let slopes: ParameterBuffer

    init(_ kind: NetworkKind, _ architecture: Architecture) {
        computer = MicrobatchGradient(NetworkDescription(kind: kind, architecture: architecture))
        parameters = computer.layout.initialParameters(seed: 1)
        gradient = ParameterBuffer(count: computer.layout.paddedCount)
        examples = NoiseExamples(microbatches * microbatchSize, towers: kind.towers)
        let vectors = microbatchSize * kind.towers
        latents = ParameterBuffer(count: vectors * computer.network.latentDimensions)
        slopes = noise(latents.count)
    }

    func gradient(of microbatch: Microbatch) {
        guard computer.network.kind.isInBatch else {
            _ = computer.gradient(of: microbatch, at: parameters.floats, into: gradient.floats)
            return
        }
        computer.embed(microbatch, at: parameters.floats, into: latents.floats)
        computer.gradient(
            ofLatents: slopes.floats, examples: microbatch.examples, at: parameters.floats, into: gradient.floats)
    }

    func microbatch(_ turn: Int) -> Microbatch {
        let first = turn % microbatches * microbatchSize
        return Microbatch(
            pixels: examples.pixels + first * imagePixels, towerStride: examples.examples * imagePixels,
            targets: examples.targets + first, examples: microbatchSize)
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
    /// Of the in-batch family.
    private let batch: BatchGradient?

    init(_ kind: NetworkKind, _ architecture: Architecture, threads: Int, noise: NoiseExamples) {
        network = NetworkDescription(kind: kind, architecture: architecture)
        self.threads = threads
        self.noise = noise
        computer = ShardComputer(network, threads: threads)
        batch = BatchGradient(network)
        parameters = ParameterLayout(network).initialParameters(seed: 1)
        // A rate at which the network does not change over the run, and so neither its work.
        adam = Adam(parameterCount: parameters.count)
    }

    func workload(_ subject: Subject, batchSize: Int) -> Workload {
        let images = batchSize * network.kind.towers
        let operations = images * OperationCount(network.architecture, kind: network.kind).training
        return Workload(subject, Work(images: images, operations: operations)) { self.step(batchSize) }
    }

    /// All microbatches, their sum, and Adam; between the rounds of the in-batch family, the loss of the batch.
    private func step(_ batchSize: Int) {
        let examples = ShardExamples(pixels: noise.pixels, targets: noise.targets)
        guard let batch else { return update(batchSize, examples, .gradients, nil) }
        let vectors = batchSize * network.kind.towers
        var latents = [Float](repeating: 0, count: vectors * network.latentDimensions)
        let passes = try? computer.embed(
            lease(batchSize, .embeddings), examples, weights: parameters.floats, into: &latents, between: { _ in })
        let labels = (0..<vectors).map { network.kind == .ntXent ? Int32($0 / 2) : noise.targets[$0] }
        _ = batch.evaluate(latents, labels: labels, draws: SelectionDraws(network, step: adam.step))
        batch.latentGradient.withUnsafeBufferPointer { slopes in
            guard let slopes = slopes.baseAddress else { return }
            update(batchSize, examples, .gradientsOfLatents, SecondRound(latentGradients: slopes, passes: passes))
        }
        if let passes { computer.recycle(passes) }
    }

    private func update(_ batchSize: Int, _ examples: ShardExamples, _ task: ShardTask, _ round: SecondRound?) {
        let lease = lease(batchSize, task)
        for partial in computer.compute(lease, examples, weights: parameters.floats, round: round, between: { _ in }) {
            if let sum = partial.gradient.values.baseAddress {
                adam.update(
                    parameters, to: parameters, gradientSum: sum, exampleCount: batchSize, learningRate: 1e-9)
            }
            computer.recycle(partial.gradient)
        }
    }

    private func lease(_ batchSize: Int, _ task: ShardTask) -> ShardLease {
        let extent = StepExtent(examples: batchSize, examplesPerMicrobatch: microbatchSize)
        return ShardLease(
            run: .none, step: adam.step, shard: 0, lease: 1,
            range: MicrobatchRange(first: 0, count: extent.microbatches), extent: extent,
            imagesPerExample: network.kind.imagesPerExample, task: task)
    }
}
