// A small training in a folder of its own, with a source of gradients that a test may disturb.
import Artifacts
import Coordination
import Datasets
import Foundation
import Messaging
import ModelCore
import Runtime
import Storage
import TestKit

/// Sixty images of noise, eight steps an epoch.
final class TrainingFixture {
    let dataset: Dataset
    private(set) var configuration: TrainingConfiguration

    init(_ kind: NetworkKind = .siameseContrastive) throws {
        var random = SplitMix64(seed: 11)
        func images(_ count: Int) -> ImageSet {
            ImageSet(
                pixels: (0..<count * ImageSet.imageSize).map { _ in UInt8(random.below(256)) },
                labels: (0..<count).map { UInt8($0 % 10) })
        }
        dataset = Dataset(
            name: .fashionMNIST, train: images(60), test: images(20), digest: SHA256.digest(of: []), origin: "noise",
            notes: [])
        configuration = TrainingConfiguration(
            network: NetworkDescription(
                kind: kind, inBatch: InBatchOptions(distance: kind.isInBatch ? .cosine : .euclidean),
                noise: NoisePlan(seed: 0, batchSize: 8)), dataset: .fashionMNIST)
        configuration.output = NSTemporaryDirectory() + "siamese-training-" + UUID().uuidString
        configuration.batchSize = 8
        configuration.epochs = 4
        configuration.animation = true
        configuration.checkpointInterval = 5
        configuration.logInterval = 3
    }

    deinit { try? FileManager.default.removeItem(atPath: configuration.output) }

    var codec: CheckpointCodec { CheckpointCodec(configuration, datasetDigest: "\(dataset.digest)") }

    /// What a run leaves, without the speeds in metrics.jsonl: they differ, and with them its length.
    struct Remains {
        let checkpoint: [UInt8]
        let metrics: [MetricsLine]
    }

    /// A run from its first step to its last.
    func train(with source: any GradientSource) throws -> Remains {
        let folder = try RunFolder(configuration)
        let trainer = Trainer(
            configuration, dataset: dataset, examples: try RunExamples(dataset, configuration),
            state: TrainingState(configuration), isResumed: false,
            writer: BackgroundWriter(folder.checkpoints, codec, metricsPath: folder.metrics), source: source,
            display: ProgressDisplay(isTerminal: false, isColoured: false, logInterval: 1000), trace: nil)
        try trainer.run()
        if let failure = trainer.saveNow() { throw failure }
        var state = try stateOnDisk()
        state?.record.metricsLength = 0
        let metrics = try readFile(at: folder.metrics).split(separator: UInt8(ascii: "\n")).map { line in
            var line = try MetricsLine(decoding: Array(line))
            line.imagesPerSecond = nil
            return line
        }
        // A checkpoint tells its folder, too.
        var elsewhere = configuration
        elsewhere.output = ""
        let codec = CheckpointCodec(elsewhere, datasetDigest: "\(dataset.digest)")
        // And who computed what.
        state?.ledger = Ledger()
        return Remains(checkpoint: state.map(codec.encode) ?? [], metrics: metrics)
    }

    /// The state that a new process would go on from.
    func stateOnDisk() throws -> TrainingState? {
        let path = "\(configuration.output)/\(configuration.network.kind.rawValue)-FashionMNIST-checkpoint"
        var store = CheckpointStore(newest: "\(path).safetensors", previous: "\(path).previous.safetensors")
        return try store.read(atMost: 1 << 30) { try codec.look($0, $1) }?.content
    }
}

/// Computes in this process, and lets a test have a look at every step.
final class WatchedSource: GradientSource {
    private let network: NetworkDescription
    private var shell: CoordinatorShell
    private var step = 0
    /// Who has been found out.
    var quarantined: Set<String> = []
    /// Called with a step's number and its sum before the optimizer sees it.
    var onSum: (Int, Partial) throws -> Void = { _, _ in }

    init(_ network: NetworkDescription) throws {
        self.network = network
        shell = try Self.newShell(network)
    }

    private static func newShell(_ network: NetworkDescription) throws -> CoordinatorShell {
        let build = BuildIdentity.ofThisBuild()
        let link = try InProcessLink(build: build, threads: 1, signals: nil)
        let shell = CoordinatorShell(link: link, network: network, build: build) { _ in }
        try shell.awaitWorkers(1, until: MonotonicClock.now() + 10_000_000_000)
        return shell
    }

    var workerCount: Int { shell.workers.count }

    func begin(_ input: StepInput, weights: Frame, latentGradients: Frame?) throws {
        step = Int(input.number)
        try shell.begin(input, weights: weights, latentGradients: latentGradients)
    }

    func latents() throws -> [Float] { try shell.latents() }

    func prepare(_ input: StepInput) throws { try shell.prepare(input) }

    func gradientSum() throws -> Partial {
        let sum = try shell.gradientSum()
        do {
            try onSum(step, sum)
        } catch {
            // Who throws `GoBack` is ready for earlier steps; a shell of this kind is when it is new.
            shell = try Self.newShell(network)
            throw error
        }
        return sum
    }

    func examineNonFinite() throws { try shell.examineNonFinite() }
    var ledger: Ledger { Ledger(unconfirmed: shell.ledger.unconfirmed, quarantined: quarantined) }
    func recycle(_ buffer: GradientBuffer) { shell.recycle(buffer) }
    func attend() throws { try shell.attend() }
}
