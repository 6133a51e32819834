// Everything that a training run is told: the options of `train` and `coordinator`, resolved. The command line checks ranges; this
// type says which of it enters the result.
internal import Artifacts
package import Datasets
package import Messaging
package import ModelCore

/// Who computes the gradients.
package enum Workforce: Sendable, Equatable {
    /// In this process, without sockets.
    case inProcess
    /// So many processes on this machine, over ipc.
    case local(Int)
    /// Whoever connects to this address; the first step waits for `wanted` of them.
    case remote(listen: Endpoint, wanted: Int)
}

/// The resolved configuration of a run.
package struct TrainingConfiguration: Sendable {
    package var network: NetworkDescription
    package var dataset: DatasetName
    package var learningRate = 1e-4
    package var epochs = 10
    package var batchSize = 32
    package var output = "./tmp"
    package var logInterval = 50
    package var animation = false
    package var workforce = Workforce.inProcess
    package var threads = 1
    package var seed: UInt64 = 0
    package var data: String?
    package var maxSteps: Int?
    /// In steps; nil: after every epoch.
    package var checkpointInterval: Int?
    package var resume = false
    /// File for a trace of every step.
    package var trace: String?

    package init(network: NetworkDescription, dataset: DatasetName) {
        self.network = network
        self.dataset = dataset
    }
}

extension TrainingConfiguration {
    /// The fields that the weights after a step depend on, by the name of their option. A resumed run must have the same.
    func identity(datasetDigest: String) -> [(name: String, value: String)] {
        var fields = [
            ("numerics version", "\(numericsVersion)"),
            ("NETWORK", network.kind.rawValue),
            ("DATASET", dataset.rawValue),
            ("content of the dataset (SHA-256)", datasetDigest),
            ("--architecture", network.architecture.rawValue),
            ("--latent-dims", "\(network.latentDimensions)"),
            ("--batch-size", "\(batchSize)"),
            ("--lr", "\(learningRate)"),
            ("--seed", "\(seed)"),
        ]
        if network.kind == .siameseContrastive || network.kind == .triplet {
            fields.append(("--margin", "\(network.margin)"))
        }
        return fields
    }

    /// For run.json and the checkpoint.
    var json: JSONValue {
        [
            "network": .string(network.kind.rawValue), "dataset": .string(dataset.rawValue),
            "architecture": .string(network.architecture.rawValue),
            "latent_dims": .integer(network.latentDimensions), "margin": .number(Double(network.margin)),
            "lr": .number(learningRate), "epochs": .integer(epochs), "batch_size": .integer(batchSize),
            "seed": .string("\(seed)"), "log_interval": .integer(logInterval), "animation": .bool(animation),
            "workers": workforce.json, "threads": .integer(threads), "output": .string(output),
            "data": data.map(JSONValue.string) ?? nil, "max_steps": maxSteps.map(JSONValue.integer) ?? nil,
            "checkpoint_interval": checkpointInterval.map(JSONValue.integer) ?? nil,
        ]
    }
}

extension Workforce {
    fileprivate var json: JSONValue {
        switch self {
        case .inProcess: .integer(0)
        case .local(let count): .integer(count)
        case .remote(let endpoint, _): .string("\(endpoint)")
        }
    }
}
