// A run that is over, read back from the files it left: what it was, and where its model and its images are. Its losses and the frames
// of its animation are in FinishedRun+Past.swift. Reads only.
internal import Artifacts
internal import Datasets
internal import ModelCore
internal import Storage

/// The files of one finished run.
package struct FinishedRun {
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
        let prefix = try Self.prefix(at: place)
        try self.init(prefix: prefix, report: try readReport(prefix + Self.reportSuffix))
    }

    /// - Parameters:
    ///   - prefix: what the names of its files begin with
    ///   - bytes: its run.json
    package init(prefix: String, report bytes: [UInt8]) throws(RunFailure) {
        self.prefix = prefix
        let path = prefix + Self.reportSuffix
        let report = try parseReport(
            bytes, path, remedy: "Name another run: nothing else says what this one was")
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
