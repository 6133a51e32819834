// Everything that a training run is told: the options of `train` and `coordinator`, resolved. The command line checks ranges; this
// type says which of it enters the result.
internal import Artifacts
internal import Coordination
package import Datasets
package import Messaging
package import ModelCore

/// Who computes the gradients.
package enum Workforce: Sendable, Equatable {
    /// In this process, without sockets.
    case inProcess
    /// So many processes on this machine, over ipc.
    case local(Int)
    case remote(RemoteWorkforce)
}

/// Whoever connects, and proves an admitted key if there are keys.
package struct RemoteWorkforce: Sendable, Equatable {
    package let listen: Endpoint
    /// The first step waits for so many workers.
    package let wanted: Int
    package let keys: ServerKeys?
    package let announcement: Announcement

    package init(listen: Endpoint, wanted: Int, keys: ServerKeys?, announcement: Announcement) {
        self.listen = listen
        self.wanted = wanted
        self.keys = keys
        self.announcement = announcement
    }
}

/// What to make of a checkpoint in the output folder.
package enum Beginning: Sendable, Equatable {
    /// Nothing; it will be replaced.
    case anew
    /// Go on from it; without one there is no run.
    case resuming
    /// Go on from it if there is one: the same command starts a run and restarts it.
    case resumingIfPossible
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
    /// Nil: every image comes once in an epoch.
    package var balance: BatchBalance?
    /// Classes whose images are left out.
    package var excludedClasses: Set<UInt8> = []
    package var maxSteps: Int?
    /// In steps; nil: after every epoch.
    package var checkpointInterval: Int?
    /// Also one whenever so many seconds have passed; 0: not for the time's sake.
    package var checkpointSeconds = 30
    package var beginning = Beginning.anew
    /// Fraction of the shards that are computed twice, on different workers.
    package var audit = 0.0
    /// File for a trace of every step.
    package var trace: String?
    /// Of this machine, where metrics are served; 0: any free one; nil: nowhere.
    package var metricsPort: UInt16?

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
        if network.kind.hasMargin { fields.append(("--margin", "\(network.margin)")) }
        if network.kind.isInBatch {
            fields += [
                ("--selector", network.inBatch.selector?.rawValue ?? "none"),
                ("--distance", network.inBatch.distance.rawValue), ("--normalize", "\(network.inBatch.isNormalized)"),
                ("--temperature", "\(network.inBatch.temperature)"),
            ]
        }
        if let balance { fields.append(("--classes and --samples", "\(balance.classes) x \(balance.samples)")) }
        if !excludedClasses.isEmpty {
            fields.append(("--exclude-classes", excludedClasses.sorted().map(String.init).joined(separator: ",")))
        }
        if network.kind == .variationalAutoencoder { fields.append(("--beta", "\(network.beta)")) }
        return fields
    }

    /// Nil: nothing is audited.
    var auditPlan: AuditPlan? { audit > 0 ? AuditPlan(fraction: audit, seed: seed) : nil }

    /// For run.json and the checkpoint.
    var json: JSONValue {
        var fields = commonFields
        if network.kind.isInBatch {
            fields["selector"] = (network.inBatch.selector?.rawValue).map(JSONValue.string) ?? .null
            fields["distance"] = .string(network.inBatch.distance.rawValue)
            fields["normalize"] = .bool(network.inBatch.isNormalized)
            fields["temperature"] = .number(Double(network.inBatch.temperature))
        }
        if let balance {
            fields["classes"] = .integer(balance.classes)
            fields["samples"] = .integer(balance.samples)
        }
        if !excludedClasses.isEmpty {
            fields["exclude_classes"] = .array(excludedClasses.sorted().map { .integer(Int($0)) })
        }
        return fields
    }

    private var commonFields: JSONValue {
        [
            "network": .string(network.kind.rawValue), "dataset": .string(dataset.rawValue),
            "architecture": .string(network.architecture.rawValue),
            "latent_dims": .integer(network.latentDimensions), "margin": .number(Double(network.margin)),
            "beta": .number(Double(network.beta)),
            "lr": .number(learningRate), "epochs": .integer(epochs), "batch_size": .integer(batchSize),
            "seed": .string("\(seed)"), "log_interval": .integer(logInterval), "animation": .bool(animation),
            "audit": .number(audit), "workers": workforce.json, "threads": .integer(threads), "output": .string(output),
            "data": data.map(JSONValue.string) ?? nil, "max_steps": maxSteps.map(JSONValue.integer) ?? nil,
            "checkpoint_interval": checkpointInterval.map(JSONValue.integer) ?? nil,
            "checkpoint_seconds": .integer(checkpointSeconds),
        ]
    }
}

extension Workforce {
    /// Whether the workers may be on other machines.
    var isCluster: Bool { if case .remote = self { true } else { false } }

    fileprivate var json: JSONValue {
        switch self {
        case .inProcess: .integer(0)
        case .local(let count): .integer(count)
        case .remote(let workforce): .string("\(workforce.listen)")
        }
    }
}
