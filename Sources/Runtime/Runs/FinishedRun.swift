// A run that is over, read back from the files it left: what it was, its losses, its model, the frames of its animation. Reads only.
internal import Artifacts
internal import Datasets
internal import ModelCore
internal import Storage

/// The files of one finished run.
struct FinishedRun {
    /// What the names of its files begin with: "FOLDER/triplet-MNIST-".
    let prefix: String
    let network: NetworkKind
    let dataset: DatasetName
    let steps: Int
    /// Of run.json.
    let configuration: JSONValue
    let report: JSONValue

    private static let reportSuffix = "run.json"
    private static let suffixes = [
        reportSuffix, TrainedModel.suffix, "metrics.jsonl", "checkpoint.safetensors", "stats.png",
    ]

    /// - Parameter place: the run's folder, if it holds one run only, or one of the run's files
    init(at place: String) throws(RunFailure) {
        prefix = try Self.prefix(at: place)
        let path = prefix + Self.reportSuffix
        let report = try readReport(path, remedy: "Name another run: nothing else says what this one was")
        guard let configuration = report["configuration"],
            let network = configuration["network"]?.string.flatMap(NetworkKind.init(rawValue:)),
            let dataset = configuration["dataset"]?.string.flatMap(DatasetName.init(anyCase:))
        else {
            throw RunFailure(
                .badData, "\(path) does not say what network was trained on what: it is no run.json of siamese")
        }
        guard let steps = report["steps"]?.integer else {
            throw RunFailure(
                .badData,
                "\(path) is of a run that has not finished: wait for its end, or go on with  siamese train --resume")
        }
        self.report = report
        self.configuration = configuration
        self.network = network
        self.dataset = dataset
        self.steps = steps
    }

    private static func prefix(at place: String) throws(RunFailure) -> String {
        guard isFolder(place) else {
            if let suffix = suffixes.first(where: { place.hasSuffix("-" + $0) }) {
                return String(place.dropLast(suffix.count))
            }
            throw RunFailure(
                .badData,
                isReadable(place)
                    ? "\(place) is no file of a run: name the run's folder, or its …-run.json"
                    : "there is no \(place): name the folder of a finished run, or its …-run.json")
        }
        return String(try onlyFile(reportSuffix, in: place).dropLast(reportSuffix.count))
    }

    /// "triplet-MNIST"
    var name: String { String((prefix.split(separator: "/").last ?? "").dropLast()) }

    /// Without a file name; "." for the present one.
    var folder: String { Storage.folder(of: prefix) }

    func model() throws(RunFailure) -> TrainedModel {
        let path = prefix + TrainedModel.suffix
        guard isReadable(path) else { throw RunFailure(.badData, "\(path) is missing: the run's pictures need it") }
        return try TrainedModel(at: path)
    }

    /// The images that the run was trained and tested on.
    ///
    /// - Parameters:
    ///   - data: folder to look in; nil: where the run found them, else as `train` looks for them
    ///   - name: another dataset than the run's own
    func images(
        _ name: DatasetName? = nil, data: String?, environment: [String: String], say: (String) -> Void
    ) throws(RunFailure) -> Dataset {
        let own = name == nil || name == dataset
        let recorded = own ? configuration["data"]?.string.flatMap { isFolder($0) ? $0 : nil } : nil
        let found = try loadDataset(name ?? dataset, data: data ?? recorded, environment: environment, say: say)
        if own, let digest = report["dataset"]?["sha256"]?.string, digest != "\(found.digest)" {
            say(
                "\(found.origin) is not the data that \(self.name) was trained on (the SHA-256 differs); name that with --data"
            )
        }
        return own ? found.excluding(Set(configuration.excludedClasses)) : found
    }
}

// MARK: - What it has been through

extension FinishedRun {
    /// What there is of the run's past.
    struct Past {
        var epochs: [TrainingRecord.Epoch]
        /// Of the animation; all but the one of an epoch that was cut short.
        var frames: [LatentFrame]
        /// The last epoch was cut short by `--max-steps`.
        var endsWithinEpoch: Bool
        /// Why it is not all that the run knew.
        var note: String?
    }

    /// From the last checkpoint, which has it to the bit; without that, the losses from metrics.jsonl.
    func past() throws(RunFailure) -> Past {
        let path = prefix + "checkpoint.safetensors"
        switch checkpoint(path) {
        case .success(let past): return past
        case .failure(let reason):
            guard let lines = try metrics() else {
                throw RunFailure(
                    .badData,
                    "nothing tells the losses of \(name): \(prefix)metrics.jsonl is missing, and \(reason). Bring one of the two "
                        + "back")
            }
            var past = Past(epochs: Self.epochs(lines, network), frames: [], endsWithinEpoch: false)
            past.note =
                "\(reason): training losses are from metrics.jsonl, where a line counts for the epoch it ends in"
            return past
        }
    }

    private enum Finding {
        case success(Past)
        case failure(String)
    }

    private func checkpoint(_ path: String) -> Finding {
        guard isReadable(path) else { return .failure("\(path) is missing") }
        guard let bytes = try? readFile(at: path, atMost: CheckpointCodec.greatestSize),
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
            guard let last = (try? metrics())?.last(where: { $0.split == .test }), last.step == steps else {
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

    /// The lines of metrics.jsonl; nil where there is none.
    private func metrics() throws(RunFailure) -> [MetricsLine]? {
        let path = prefix + "metrics.jsonl"
        guard isReadable(path) else { return nil }
        let bytes: [UInt8]
        do { bytes = try readFile(at: path, atMost: 1 << 31) } catch { throw RunFailure(.badData, "\(error)") }
        var lines: [MetricsLine] = []
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n")).enumerated() {
            do { lines.append(try MetricsLine(decoding: Array(line))) } catch {
                throw RunFailure(.badData, "\(path), line \(index + 1), is damaged: \(error.reason)")
            }
        }
        return lines
    }

    /// The mean of every epoch, each line of training weighted with its steps.
    private static func epochs(_ lines: [MetricsLine], _ network: NetworkKind) -> [TrainingRecord.Epoch] {
        struct Sums { var (steps, loss, second) = (0, 0.0, 0.0) }
        var sums: [Int: Sums] = [:]
        var tests: [Int: MetricsLine] = [:]
        var before = 0
        for line in lines {
            guard line.split == .train else {
                tests[line.epoch] = line
                continue
            }
            let steps = max(line.step - before, 1)
            before = line.step
            sums[line.epoch, default: Sums()].steps += steps
            sums[line.epoch, default: Sums()].loss += Double(steps) * line.loss
            sums[line.epoch, default: Sums()].second += Double(steps) * (line.terms?.divergence ?? 0)
        }
        return Set(sums.keys).union(tests.keys).sorted().map { number in
            let (sum, test) = (sums[number], tests[number])
            return TrainingRecord.Epoch(
                number: number, trainLoss: sum.map { $0.loss / Double($0.steps) }, testLoss: test?.loss,
                trainSecondTerm: network.hasTwoTerms ? sum.map { $0.second / Double($0.steps) } : nil,
                testSecondTerm: test?.terms?.divergence)
        }
    }
}
