// What a run is between two steps, and its way into a checkpoint and back.
internal import Artifacts
package import Coordination
package import ModelCore

/// Weights, optimizer, past. Whoever hands it to another thread leaves its buffers alone from then on.
package struct TrainingState: Sendable {
    let layout: ParameterLayout
    package let parameters: ParameterBuffer
    let adam: Adam
    package var record: TrainingRecord
    let frames: [LatentFrame]
    /// What workers have contributed that nobody has confirmed.
    package var ledger: Ledger

    package var step: Int { Int(adam.step) }

    init(
        layout: ParameterLayout, parameters: ParameterBuffer, adam: Adam, record: TrainingRecord, frames: [LatentFrame],
        ledger: Ledger
    ) {
        self.layout = layout
        self.parameters = parameters
        self.adam = adam
        self.record = record
        self.frames = frames
        self.ledger = ledger
    }

    /// The state before the first step: a function of the configuration.
    package init(_ configuration: TrainingConfiguration) {
        layout = ParameterLayout(configuration.network)
        parameters = layout.initialParameters(seed: configuration.seed)
        adam = Adam(parameterCount: layout.paddedCount)
        record = TrainingRecord()
        frames = []
        ledger = Ledger()
    }

    /// The state in a checkpoint. Throws if the checkpoint belongs to another run, naming the first field that differs.
    init(_ checkpoint: Checkpoint, _ configuration: TrainingConfiguration, datasetDigest: String) throws {
        let misfit = RunFailure(.badData, "cannot resume: the checkpoint's content does not fit its configuration")
        guard let past = try? JSONValue(parsing: Array(checkpoint.configuration.utf8)) else { throw misfit }
        try Self.compare(past["identity"] ?? [:], with: configuration.identity(datasetDigest: datasetDigest))
        let layout = ParameterLayout(configuration.network)
        guard checkpoint.layout == layout.checkpointSlices,
            let record = past["record"].flatMap(TrainingRecord.init(json:)),
            let ledger = past["ledger"].map(Ledger.init(json:)) ?? Ledger(), checkpoint.step.isPlausibleCount,
            let frames = LatentFrame.all(in: checkpoint.attachments, dimensions: configuration.network.latentDimensions)
        else { throw misfit }
        self.layout = layout
        self.record = record
        self.ledger = ledger
        parameters = layout.buffer(checkpoint.parameters)
        adam = Adam(
            firstMoment: layout.buffer(checkpoint.firstMoment), secondMoment: layout.buffer(checkpoint.secondMoment),
            step: UInt64(checkpoint.step))
        self.frames = frames
    }

    /// A field that only one of the two has differs, too, unless the other means the same by its absence.
    private static func compare(_ past: JSONValue, with present: [(name: String, value: String)]) throws {
        let presentNames = Set(present.map(\.name))
        var gone: [String] = []
        if case .object(let members) = past { gone = members.map(\.key).filter { !presentNames.contains($0) } }
        for (name, value) in present.map({ ($0.name, String?.some($0.value)) }) + gone.map({ ($0, nil) }) {
            let absent = TrainingConfiguration.identityWhereAbsent[name] ?? "nothing"
            let (now, before) = (value ?? absent, past[name]?.string ?? absent)
            guard before == now else {
                throw RunFailure(
                    .badConfiguration,
                    "cannot resume: \(name) is \(now) now, but the checkpoint was made with \(before). "
                        + "Use the same value, or another --output")
            }
        }
    }

    func checkpoint(_ configuration: TrainingConfiguration, datasetDigest: String) -> Checkpoint {
        let identity = configuration.identity(datasetDigest: datasetDigest)
        let past: JSONValue = [
            "identity": .object(identity.map { JSONValue.Member($0.name, .string($0.value)) }),
            "options": configuration.json, "record": record.json, "ledger": ledger.json,
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

    /// The frames among the attachments of a checkpoint; nil if one is not what `tensor` makes, or comes twice.
    static func all(in attachments: [Safetensors.Tensor], dimensions: Int) -> [LatentFrame]? {
        let tensors = attachments.filter { $0.name.hasPrefix(prefix) }
        let frames = tensors.compactMap { tensor -> LatentFrame? in
            guard let epoch = Int(tensor.name.dropFirst(prefix.count)), let latents = tensor.elements(as: Float.self),
                tensor.name == "\(prefix)\(epoch)", tensor.shape.count == 2, tensor.shape[1] == dimensions
            else { return nil }
            return LatentFrame(epoch: epoch, latents: latents)
        }
        return frames.count == tensors.count ? frames : nil
    }
}
