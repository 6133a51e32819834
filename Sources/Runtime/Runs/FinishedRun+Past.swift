// What a finished run has been through: its losses by epoch and the frames of its animation.
internal import Artifacts
internal import ModelCore
internal import Storage

extension FinishedRun {
    private static let checkpointSuffix = "checkpoint.safetensors"
    private static let metricsSuffix = "metrics.jsonl"

    /// What there is of the run's past.
    package struct Past {
        package var epochs: [TrainingRecord.Epoch]
        /// Of the animation; all but the one of an epoch that was cut short.
        package var frames: [LatentFrame]
        /// The last epoch was cut short by `--max-steps`.
        var endsWithinEpoch: Bool
        /// Why it is not all that the run knew.
        var note: String?
    }

    func past() throws(RunFailure) -> Past {
        let checkpoint = prefix + Self.checkpointSuffix
        let bytes =
            isReadable(checkpoint)
            ? (try? readFile(at: checkpoint, atMost: CheckpointCodec.greatestSize)) ?? [] : nil
        let metrics = prefix + Self.metricsSuffix
        return try past(checkpoint: bytes) { () throws(RunFailure) in
            guard isReadable(metrics) else { return nil }
            do { return try readFile(at: metrics, atMost: 1 << 31) } catch { throw RunFailure(.badData, "\(error)") }
        }
    }

    /// From the last checkpoint, which has it to the bit; without that, the losses from metrics.jsonl.
    ///
    /// - Parameters:
    ///   - checkpoint: the file's bytes; nil: there is none
    ///   - metrics: the bytes of metrics.jsonl, read if they are needed; nil: there is none
    package func past(
        checkpoint: [UInt8]?, metrics: () throws(RunFailure) -> [UInt8]?
    ) throws(RunFailure) -> Past {
        switch past(in: checkpoint, metrics: metrics) {
        case .success(let past): return past
        case .failure(let reason):
            guard let bytes = try metrics() else {
                throw RunFailure(
                    .badData,
                    "nothing tells the losses of \(name): \(prefix)\(Self.metricsSuffix) is missing, and \(reason). Bring one of "
                        + "the two back")
            }
            var past = Past(epochs: Self.epochs(try lines(bytes), network), frames: [], endsWithinEpoch: false)
            past.note =
                "\(reason): training losses are from metrics.jsonl, where a line counts for the epoch it ends in"
            return past
        }
    }

    private enum Finding {
        case success(Past)
        case failure(String)
    }

    private func past(in checkpoint: [UInt8]?, metrics: () throws(RunFailure) -> [UInt8]?) -> Finding {
        let path = prefix + Self.checkpointSuffix
        guard let bytes = checkpoint else { return .failure("\(path) is missing") }
        guard
            let checkpoint = try? Checkpoint(
                decoding: bytes, file: path, digest: { "\(SHA256.digest(of: $0))" }),
            let past = try? JSONValue(parsing: Array(checkpoint.configuration.utf8)),
            let record = past["record"].flatMap(TrainingRecord.init(json:)),
            let dimensions = configuration["latent_dims"]?.integer, dimensions > 0,
            let frames = LatentFrame.all(in: checkpoint.attachments, dimensions: dimensions)
        else { return .failure("\(path) is damaged") }
        guard checkpoint.step == steps, past["identity"]?["NETWORK"]?.string == network.rawValue else {
            return .failure("\(path) is not of the run's end")
        }
        var epochs = record.epochs
        let endsWithinEpoch = record.runningLoss != nil && steps > 0
        if endsWithinEpoch {
            // What the run measured after its last step is in metrics.jsonl alone.
            guard let bytes = try? metrics(), let last = (try? lines(bytes))?.last(where: { $0.split == .test }),
                last.step == steps
            else {
                return .failure("\(prefix)metrics.jsonl lacks the last validation")
            }
            epochs.append(
                TrainingRecord.Epoch(
                    number: last.epoch, trainLoss: record.runningLoss, testLoss: last.loss,
                    trainSecondTerm: last.terms.flatMap { _ in record.runningSecondTerm },
                    testSecondTerm: last.terms?.divergence))
        }
        return .success(Past(epochs: epochs, frames: frames, endsWithinEpoch: endsWithinEpoch))
    }

    /// The lines of metrics.jsonl.
    private func lines(_ bytes: [UInt8]) throws(RunFailure) -> [MetricsLine] {
        var lines: [MetricsLine] = []
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n")).enumerated() {
            do { lines.append(try MetricsLine(decoding: Array(line))) } catch {
                throw RunFailure(
                    .badData, "\(prefix)\(Self.metricsSuffix), line \(index + 1), is damaged: \(error.reason)")
            }
        }
        return lines
    }

    /// The mean of every epoch, each line of training weighted with its steps.
    private static func epochs(_ lines: [MetricsLine], _ network: NetworkKind) -> [TrainingRecord.Epoch] {
        struct Sums { var (steps, loss, second) = (0.0, 0.0, 0.0) }
        var sums: [Int: Sums] = [:]
        var tests: [Int: MetricsLine] = [:]
        var before = 0
        for line in lines {
            guard line.split == .train else {
                tests[line.epoch] = line
                continue
            }
            let steps = Double(max(line.step - before, 1))
            before = line.step
            sums[line.epoch, default: Sums()].steps += steps
            sums[line.epoch, default: Sums()].loss += steps * line.loss
            sums[line.epoch, default: Sums()].second += steps * (line.terms?.divergence ?? 0)
        }
        return Set(sums.keys).union(tests.keys).sorted().map { number in
            let (sum, test) = (sums[number], tests[number])
            return TrainingRecord.Epoch(
                number: number, trainLoss: sum.map { $0.loss / $0.steps }, testLoss: test?.loss,
                trainSecondTerm: network.hasTwoTerms ? sum.map { $0.second / $0.steps } : nil,
                testSecondTerm: test?.terms?.divergence)
        }
    }
}
