// run.json: what was run, where, and what came of it.
internal import Artifacts
internal import Coordination
internal import Datasets
internal import ModelCore

/// The content of run.json, complete once the run is.
struct RunReport {
    var configuration: TrainingConfiguration
    var dataset: Dataset
    var workers: [(processID: Int32, peakResidentBytes: Int?)] = []
    var secondsToFirstStep: Double?
    var totals: Totals?

    struct Totals {
        var steps: Int
        var seconds: Double
        var trainingSeconds: Double
        var imagesPerSecond: Double
        var finalTrainLoss: Double?
        var finalTestLoss: Double?
        var modelDigest: String?
        var peakResidentBytes: Int?
    }

    var json: JSONValue {
        var report: JSONValue = [
            "configuration": configuration.json,
            "dataset": [
                "name": .string(dataset.name.rawValue), "origin": .string(dataset.origin),
                "sha256": .string("\(dataset.digest)"), "train_images": .integer(dataset.train.count),
                "test_images": .integer(dataset.test.count),
            ],
            "versions": [
                "siamese": .string(programVersion), "numerics": .integer(Int(numericsVersion)),
                "protocol": .integer(Int(BuildIdentity.currentProtocol)),
            ],
            "machine": Machine.json,
            "workers": .array(
                workers.map {
                    [
                        "pid": .integer(Int($0.processID)),
                        "peak_resident_bytes": $0.peakResidentBytes.map(JSONValue.integer) ?? nil,
                    ]
                }),
            "seconds_to_first_step": JSONValue(orNull: secondsToFirstStep),
        ]
        guard let totals else { return report }
        report["steps"] = .integer(totals.steps)
        report["seconds"] = .number(totals.seconds)
        report["training_seconds"] = .number(totals.trainingSeconds)
        report["images_per_second"] = .number(totals.imagesPerSecond)
        report["final_train_loss"] = JSONValue(orNull: totals.finalTrainLoss)
        report["final_test_loss"] = JSONValue(orNull: totals.finalTestLoss)
        report["peak_resident_bytes"] = totals.peakResidentBytes.map(JSONValue.integer) ?? .null
        report["model_sha256"] = totals.modelDigest.map(JSONValue.string) ?? .null
        return report
    }
}

/// Version of the program, for `--version` and run.json.
package let programVersion = "0.1.0"
