// The files of a run that is resumed: the checkpoint as a file, the state of training inside a checkpoint, the file of the epoch.
import Artifacts
import Coordination
import Datasets
import ModelCore
import Runtime
import Storage

extension FuzzTarget {
    static let checkpoint = FuzzTarget(
        name: "checkpoint", samples: checkpointSamples,
        tokens: jsonTokens + [
            "\"dtype\"", "\"shape\"", "\"data_offsets\"", "\"F32\"", "\"BOOL\"", "__metadata__", "parameter.",
            "checksum",
        ],
        json: { bytes in bytes.count > 8 ? endOfObject(bytes, from: 8).map { 8..<$0 } : nil },
        repair: checksummed
    ) { input, meter in
        do {
            let content = try meter.hold(atMost: proportional(to: input)) {
                try Safetensors(decoding: input, file: "file")
            }
            let written = content.encoded()
            try require(
                try Safetensors(decoding: written, file: "file") == content, "a file that is written as another one")
        } catch let error as SafetensorsError {
            try requireSentence(error, atMost: 500 + 4 * input.count)
            try require(
                (0...input.count).contains(error.offset), "the error is at byte \(error.offset) of \(input.count)")
        }
        do {
            let read = try meter.hold(atMost: 2 * proportional(to: input)) {
                try Checkpoint(decoding: input, file: "file", digest: sha256)
            }
            let again = try Checkpoint(decoding: read.encoded(digest: sha256), file: "file", digest: sha256)
            try require(sameBits(again, read), "a checkpoint that is written as another one")
            return true
        } catch let error as CheckpointError {
            try requireSentence(error, atMost: 500 + 4 * input.count)
            return false
        }
    }

    /// Equal but for NaNs, which equal nothing.
    private static func sameBits(_ left: Checkpoint, _ right: Checkpoint) -> Bool {
        func bits(_ floats: [Float]) -> [UInt32] { floats.map(\.bitPattern) }
        return left.layout == right.layout && left.step == right.step && left.configuration == right.configuration
            && left.attachments == right.attachments && bits(left.parameters) == bits(right.parameters)
            && bits(left.firstMoment) == bits(right.firstMoment) && bits(left.secondMoment) == bits(right.secondMoment)
    }

    private static func sha256(_ bytes: UnsafeRawBufferPointer) -> String { "\(SHA256.digest(of: bytes))" }

    private static let checkpointSamples: [[UInt8]] = {
        let layout = [Checkpoint.Slice(name: "w", shape: [2, 1]), Checkpoint.Slice(name: "b", shape: [])]
        let everyType = Safetensors.ElementType.allCases.map {
            Safetensors.Tensor(name: $0.rawValue, elementType: $0, shape: [1, 0, 3], bytes: [])
        }
        func checkpoint(_ attachments: [Safetensors.Tensor]) -> [UInt8] {
            Checkpoint(
                layout: layout, parameters: [1, 2, 3], firstMoment: [0, 0, 0], secondMoment: [.nan, 4, 5], step: 17,
                configuration: #"{"identity":{}}"#, datasetDigest: "d", numericsVersion: "1", attachments: attachments
            ).encoded(digest: sha256)
        }
        return [
            checkpoint([]),
            checkpoint([Safetensors.Tensor(name: "animation.epoch.1", shape: [1, 2], floats: [6, 7])]),
            checkpoint(everyType), Safetensors(tensors: everyType).encoded(),
        ]
    }()

    /// The length of the header as it is, and the checksum that the content calls for.
    private static let checksummed: @Sendable ([UInt8]) -> [UInt8] = { bytes in
        guard bytes.count > 8, let end = endOfObject(bytes, from: 8) else { return bytes }
        let measured = UInt64(end - 8).bytes + bytes[8...]
        guard var content = try? Safetensors(decoding: measured, file: ""), content.metadata["checksum"] != nil else {
            return measured
        }
        content.metadata["checksum"] = nil
        content.metadata["checksum"] = content.encoded().withUnsafeBytes(sha256)
        return content.encoded()
    }

    /// Behind the brace that closes the first one, and the spaces that follow.
    private static func endOfObject(_ bytes: [UInt8], from start: Int) -> Int? {
        var (depth, isString, position) = (0, false, start)
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\\") where isString: position += 1
            case UInt8(ascii: "\""): isString.toggle()
            case UInt8(ascii: "{") where !isString: depth += 1
            case UInt8(ascii: "}") where !isString:
                depth -= 1
                guard depth <= 0 else { break }
                let spaces = bytes[(position + 1)...].prefix { $0 == UInt8(ascii: " ") }.count
                return position + 1 + min(spaces, 7)
            default: break
            }
            position += 1
        }
        return nil
    }

    // MARK: The state of training

    /// A checkpoint of a real network with its checksum in order. An input is the step (64 bits), the size of an attachment (rows
    /// in three bits, columns in two) and the length of its name (a byte each), that name, and the configuration as JSON.
    static let resume = FuzzTarget(
        name: "resume", samples: ResumeFixture.shared.samples,
        tokens: jsonTokens + [
            "\"record\"", "\"ledger\"", "\"0x7ff8000000000000\"", "\"shards\"", "\"0\"", "+1", "01", "-1",
        ],
        json: { bytes in bytes.firstIndex(of: UInt8(ascii: "{")).map { $0..<bytes.count } }
    ) { input, meter in
        try ResumeFixture.shared.check(input, &meter)
    }

    static let epochFile = FuzzTarget(
        name: "epoch-file",
        samples: [RunEpoch(job: 1, epoch: 1), RunEpoch(job: .max, epoch: .max - 1)].map { $0.encoded() },
        tokens: jsonTokens, json: { $0.indices.first == nil ? nil : 0..<$0.count - 1 },
        repair: { bytes in
            guard let fields = try? JSONValue(parsing: bytes),
                let job = fields["job"]?.string.flatMap({ UInt64($0, radix: 16) }),
                let epoch = fields["epoch"]?.string.flatMap({ UInt64($0) })
            else { return bytes }
            return RunEpoch(job: job, epoch: epoch).encoded()
        }
    ) { input, meter in
        let epoch = try meter.hold(atMost: 4 * proportional(to: input)) { RunEpoch(decoding: input) }
        guard let epoch else { return false }
        try require(epoch.encoded() == input, "two files mean \(epoch)")
        // What a coordinator does with it: its epoch on the wire must be above that of every start before.
        let before = RunEpoch(job: epoch.job, epoch: epoch.epoch - min(epoch.epoch, 1))
        try require(
            before.epoch == epoch.epoch || before.run.precedes(epoch.run),
            "start \(epoch.epoch) does not outrank the one before")
        return true
    }
}

/// The checkpoint of a run that has not begun, taken apart.
private struct ResumeFixture: Sendable {
    static let shared = ResumeFixture()

    private let codec: CheckpointCodec
    private let whole: Checkpoint
    let samples: [[UInt8]]

    private init() {
        let configuration = TrainingConfiguration(
            network: NetworkDescription(kind: .siameseContrastive), dataset: .mnist)
        codec = CheckpointCodec(configuration, datasetDigest: "d")
        var state = TrainingState(configuration)
        state.record.add(lossSum: 3.5, examples: 64)
        state.record.epochs = [.init(number: 1, trainLoss: 0.5, testLoss: nil)]
        state.ledger = Ledger(
            unconfirmed: ["key a": UnconfirmedResults(firstStep: 2, lastStep: 9, shards: 3)], quarantined: ["key b"])
        guard
            let decoded = try? Checkpoint(
                decoding: codec.encode(state), file: "", digest: { "\(SHA256.digest(of: $0))" })
        else { preconditionFailure("a checkpoint of ours is one") }
        whole = decoded
        let (threeRowsOfTwo, none) = (UInt8(2 << 3 | 3), UInt8(0))
        samples = [("1", threeRowsOfTwo), ("1", none)].map { name, size in
            UInt64(17).bytes + [size, UInt8(name.utf8.count)] + Array(name.utf8) + Array(decoded.configuration.utf8)
        }
    }

    func check(_ input: [UInt8], _ meter: inout Meter) throws -> Bool {
        let file = file(input)
        do {
            let limit = 8 * file.count + FuzzTarget.proportional(to: input)
            guard case .whole(let state) = try meter.hold(atMost: limit, { try codec.look(file, "file") }) else {
                return false
            }
            // The run goes on, and writes its next checkpoint.
            var next = state
            next.record.add(lossSum: 1, examples: 32)
            guard case .whole(let again) = try codec.look(codec.encode(next), "next") else {
                throw Finding("what was resumed cannot be resumed again")
            }
            try require(again.step == state.step, "step \(state.step) became \(again.step)")
            return true
        } catch let error as RunFailure {
            try requireSentence(error, atMost: 500 + 4 * input.count)
            return false
        } catch let error as JSONError {
            throw Finding("an error without advice: \(error)")
        }
    }

    private func file(_ input: [UInt8]) -> [UInt8] {
        var script = Script(input)
        let step = Int(script.integer(UInt64.self) >> 1)
        let size = Int(script.byte() ?? 0)
        let (rows, columns) = (size & 7, size >> 3 & 3)
        let name = "animation.epoch." + String(decoding: script.bytes(Int(script.byte() ?? 0)), as: UTF8.self)
        let frame = Safetensors.Tensor(
            name: name, shape: [rows, columns], floats: [Float](repeating: 1, count: rows * columns))
        return Checkpoint(
            layout: whole.layout, parameters: whole.parameters, firstMoment: whole.firstMoment,
            secondMoment: whole.secondMoment, step: step, configuration: String(decoding: script.rest, as: UTF8.self),
            datasetDigest: whole.datasetDigest, numericsVersion: whole.numericsVersion,
            attachments: rows == 0 ? [] : [frame]
        ).encoded { "\(SHA256.digest(of: $0))" }
    }
}
