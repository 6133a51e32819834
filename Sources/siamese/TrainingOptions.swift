// The options that `train` and `coordinator` share, and their way into a configuration.
internal import ArgumentParser
internal import Datasets
internal import Glibc
internal import Messaging
internal import ModelCore
internal import Runtime

struct TrainingOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "What to train.", valueName: "network"))
    var network: NetworkArgument

    @Argument(help: ArgumentHelp("What to train on, in any letter case.", valueName: "dataset"))
    var dataset: DatasetArgument

    @Option(parsing: .unconditional, help: "Learning rate of Adam.")
    var lr = 1e-4

    @Option(help: "Passes over the training set.")
    var epochs = 10

    @Option(help: "Examples in the global batch; it never changes with the number of workers.")
    var batchSize = 32

    @Option(help: ArgumentHelp("Folder for everything that is written.", valueName: "dir"))
    var output = "./tmp"

    @Option(help: "Steps between two updates of the running loss.")
    var logInterval = 50

    @Flag(help: "Also write a GIF of the test set's latent space, a frame per epoch.")
    var animation = false

    @Option(help: "Seed of initialization and sampling.")
    var seed: UInt64 = 0

    @Option(
        parsing: .unconditional,
        help: "Margin of the loss, of the contrastive and the triplet networks. (default: 1.0)")
    var margin: Float?

    @Option(parsing: .unconditional, help: "Weight of the KL divergence in the loss of vae. (default: 1.0)")
    var beta: Float?

    @OptionGroup(title: "In-batch networks")
    var inBatch: InBatchArguments

    @Option(help: "Dimensions of the latent space; more than 2 are plotted through their principal components.")
    var latentDims = 2

    @Option(help: "Architecture of the encoder.")
    var architecture = Architecture.seed

    @Option(
        help: ArgumentHelp(
            "Folder with the dataset's four IDX files, gzipped or not (default: look around, then download).",
            valueName: "dir"))
    var data: String?

    @Option(
        help: ArgumentHelp(
            "Leave the images of these classes out, for example 7,8,9: for one-shot evaluation on classes never seen.",
            valueName: "list"), transform: ClassList.init)
    var excludeClasses: ClassList?

    @Option(help: "Stop after so many steps; all files are still written.")
    var maxSteps: Int?

    @Option(help: "Steps between two checkpoints (default: one epoch).")
    var checkpointInterval: Int?

    @Option(help: "Seconds after which there is a checkpoint too; 0: only by steps.")
    var checkpointSeconds = 30

    @Flag(help: "Go on from the checkpoint in the output folder.")
    var resume = false

    @Option(
        help: ArgumentHelp(
            "Fraction of the shards that are computed twice, on different workers, and compared bit for bit.",
            valueName: "fraction"))
    var audit = 0.0
    @Flag(
        help: ArgumentHelp(
            "Go on from the checkpoint in the output folder if there is one, else start anew.",
            discussion:
                "For service managers and batch systems, which start a job again with the command that began it."))
    var restartable = false

    @Option(
        help: ArgumentHelp(
            "File for a trace of every step, to be opened in Perfetto (ui.perfetto.dev) or chrome://tracing.",
            valueName: "file"))
    var trace: String?

    @Option(
        help: ArgumentHelp(
            "Port of this machine to serve metrics for Prometheus on, at /metrics; 0: any free one.", valueName: "port")
    )
    var metricsPort: UInt16?

    mutating func validate() throws {
        try inBatch.validate(for: network.kind, batchSize: batchSize)
        guard lr.isFinite, lr > 0 else { throw ValidationError("--lr must be a positive number, not \(lr).") }
        try require("--margin", isGiven: margin != nil, for: network.kind) { $0.hasMargin }
        try require("--beta", isGiven: beta != nil, for: network.kind) { $0.hasTwoTerms }
        for (name, value) in [("--margin", margin ?? 1), ("--beta", beta ?? 1)] where !value.isFinite || value <= 0 {
            throw ValidationError("\(name) must be a positive number, not \(value).")
        }
        guard (0...1).contains(audit) else { throw ValidationError("--audit must be from 0 to 1, not \(audit).") }
        let counts = [
            ("--epochs", epochs, 1_000_000), ("--batch-size", batchSize, 1_000_000),
            ("--log-interval", logInterval, Int(Int32.max)), ("--latent-dims", latentDims, 256),
            ("--max-steps", maxSteps, Int(Int32.max)), ("--checkpoint-interval", checkpointInterval, Int(Int32.max)),
        ]
        for (name, value, most) in counts { try require(name, value, in: 1...most) }
        try require("--checkpoint-seconds", checkpointSeconds, in: 0...1_000_000)
        guard !(resume && restartable) else {
            throw ValidationError("--resume and --restartable: name one. The second goes on, too, where it can.")
        }
        try require("--output", output, names: "a folder")
        try require("--trace", trace, names: "a file")
    }

    func configuration(_ workforce: Workforce, threads: Int) -> TrainingConfiguration {
        var configuration = TrainingConfiguration(
            network: NetworkDescription(
                kind: network.kind, architecture: architecture, latentDimensions: latentDims, margin: margin ?? 1,
                beta: beta ?? 1,
                inBatch: inBatch.options(for: network.kind), noise: NoisePlan(seed: seed, batchSize: batchSize)),
            dataset: dataset.name)
        configuration.learningRate = lr
        configuration.epochs = epochs
        configuration.batchSize = batchSize
        configuration.output = output
        configuration.logInterval = logInterval
        configuration.animation = animation
        configuration.workforce = workforce
        configuration.threads = threads
        configuration.seed = seed
        configuration.data = data
        configuration.balance = inBatch.balance
        configuration.excludedClasses = excludeClasses.map { Set($0.classes) } ?? []
        configuration.maxSteps = maxSteps
        configuration.checkpointInterval = checkpointInterval
        configuration.audit = audit
        configuration.checkpointSeconds = checkpointSeconds
        configuration.beginning = resume ? .resuming : restartable ? .resumingIfPossible : .anew
        configuration.trace = trace
        configuration.metricsPort = metricsPort
        return configuration
    }

    /// Trains, prints the last line, or ends the process with the failure.
    func run(_ workforce: Workforce, threads: Int) {
        let environment = processEnvironment()
        let display = ProgressDisplay(
            isTerminal: isatty(STDERR_FILENO) == 1, isColoured: (environment["NO_COLOR"] ?? "").isEmpty,
            logInterval: logInterval)
        do {
            let outcome = try train(
                configuration(workforce, threads: threads), environment: environment, display: display)
            try tell("model \(outcome.modelPath) sha256 \(outcome.modelDigest)")
        } catch {
            leave(with: error)
        }
    }
}

/// A network's name, also in the spellings of the original program.
struct NetworkArgument: ExpressibleByArgument {
    let kind: NetworkKind

    private static let aliases = [
        "siamese-constrastive": NetworkKind.siameseContrastive, "tripet-loss-net": .triplet,
    ]

    init?(argument: String) {
        guard let kind = NetworkKind(rawValue: argument) ?? Self.aliases[argument] else { return nil }
        self.kind = kind
    }

    static var allValueStrings: [String] { NetworkKind.allCases.map(\.rawValue) }
}

/// A dataset's name in any letter case.
struct DatasetArgument: ExpressibleByArgument {
    let name: DatasetName

    init?(argument: String) {
        guard let name = DatasetName(anyCase: argument) else { return nil }
        self.name = name
    }

    static var allValueStrings: [String] { DatasetName.allCases.map(\.rawValue) }
}

extension Architecture: ExpressibleByArgument {}

/// The environment of this process.
func processEnvironment() -> [String: String] {
    var variables: [String: String] = [:]
    var next = environ
    while let entry = next.pointee {
        let text = String(cString: entry)
        if let equals = text.firstIndex(of: "=") {
            variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
        }
        next += 1
    }
    return variables
}
