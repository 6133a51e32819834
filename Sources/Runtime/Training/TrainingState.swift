// What a run is between two steps, and its way into a checkpoint and back.
internal import Artifacts
internal import ModelCore

/// Weights, optimizer, past.
struct TrainingState {
    let layout: ParameterLayout
    let parameters: ParameterBuffer
    let adam: Adam
    let record: TrainingRecord
    let frames: [LatentFrame]

    var step: Int { Int(adam.step) }

    init(
        layout: ParameterLayout, parameters: ParameterBuffer, adam: Adam, record: TrainingRecord, frames: [LatentFrame]
    ) {
        self.layout = layout
        self.parameters = parameters
        self.adam = adam
        self.record = record
        self.frames = frames
    }

    /// The state before the first step.
    init(_ configuration: TrainingConfiguration) {
        layout = ParameterLayout(configuration.network)
        parameters = layout.initialParameters(seed: configuration.seed)
        adam = Adam(learningRate: configuration.learningRate, parameterCount: layout.paddedCount)
        record = TrainingRecord()
        frames = []
    }

    /// The state in a checkpoint. Throws if the checkpoint belongs to another run, naming the first field that differs.
    init(_ checkpoint: Checkpoint, _ configuration: TrainingConfiguration, datasetDigest: String) throws {
        let past = try JSONValue(parsing: Array(checkpoint.configuration.utf8))
        for (name, value) in configuration.identity(datasetDigest: datasetDigest) {
            let before = past["identity"]?[name]?.string ?? "nothing"
            guard before == value else {
                throw RunFailure(
                    .badConfiguration,
                    "cannot resume: \(name) is \(value) now, but the checkpoint was made with \(before). "
                        + "Use the same value, or another --output")
            }
        }
        let layout = ParameterLayout(configuration.network)
        guard checkpoint.layout == layout.checkpointSlices,
            let record = past["record"].flatMap(TrainingRecord.init(json:))
        else { throw RunFailure(.badData, "cannot resume: the checkpoint's content does not fit its configuration") }
        self.layout = layout
        self.record = record
        parameters = layout.buffer(checkpoint.parameters)
        adam = Adam(
            learningRate: configuration.learningRate, firstMoment: layout.buffer(checkpoint.firstMoment),
            secondMoment: layout.buffer(checkpoint.secondMoment), step: UInt64(checkpoint.step))
        frames = checkpoint.attachments.compactMap(LatentFrame.init)
    }

    func checkpoint(_ configuration: TrainingConfiguration, datasetDigest: String) -> Checkpoint {
        let identity = configuration.identity(datasetDigest: datasetDigest)
        let past: JSONValue = [
            "identity": .object(identity.map { JSONValue.Member($0.name, .string($0.value)) }),
            "options": configuration.json, "record": record.json,
        ]
        func values(_ buffer: ParameterBuffer) -> [Float] { Array(buffer.values.prefix(layout.count)) }
        return Checkpoint(
            layout: layout.checkpointSlices, parameters: values(parameters), firstMoment: values(adam.firstMoment),
            secondMoment: values(adam.secondMoment), step: step,
            configuration: String(decoding: past.compact(), as: UTF8.self), datasetDigest: datasetDigest,
            numericsVersion: "\(numericsVersion)",
            attachments: frames.map { $0.tensor(dimensions: configuration.network.latentDimensions) })
    }
}

extension ParameterLayout {
    fileprivate var checkpointSlices: [Checkpoint.Slice] {
        slices.map { Checkpoint.Slice(name: $0.name, shape: $0.shape) }
    }

    fileprivate func buffer(_ values: [Float]) -> ParameterBuffer {
        let buffer = ParameterBuffer(count: paddedCount)
        for (index, value) in values.enumerated() { buffer.floats[index] = value }
        return buffer
    }
}

extension LatentFrame {
    private static let prefix = "animation.epoch."

    fileprivate func tensor(dimensions: Int) -> Safetensors.Tensor {
        Safetensors.Tensor(
            name: "\(Self.prefix)\(epoch)", shape: [latents.count / dimensions, dimensions], floats: latents)
    }

    fileprivate init?(_ tensor: Safetensors.Tensor) {
        guard tensor.name.hasPrefix(Self.prefix), let epoch = Int(tensor.name.dropFirst(Self.prefix.count)),
            let latents = tensor.elements(as: Float.self)
        else { return nil }
        self.init(epoch: epoch, latents: latents)
    }
}
