// The options of the networks whose loss is over the tuples of a batch.
internal import ArgumentParser
internal import Datasets
internal import ModelCore

struct InBatchArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Which tuples of a batch enter the loss. online-contrastive: hard-negative (default) or all-positive pairs. "
                + "online-triplet: semi-hard (default), all, hardest, random-hard or batch-hard triplets."))
    var selector: TupleSelector?

    @Option(help: "How far apart two latent vectors are (default: euclidean).")
    var distance: LatentDistance?

    @Flag(
        help: ArgumentHelp(
            "Divide latent vectors by their length, in training and in everything made of them afterwards. Always so for "
                + "supervised-contrastive and nt-xent."))
    var normalize = false

    @Option(
        parsing: .unconditional,
        help: "Temperature of the softmax over similarities (supervised-contrastive, nt-xent). (default: 0.1)")
    var temperature: Float?

    @Option(
        help: ArgumentHelp(
            "Draw every batch from so many classes, with --samples images of each; their product is the batch size. For "
                + "online-contrastive, online-triplet and supervised-contrastive.",
            valueName: "p"))
    var classes: Int?

    @Option(help: ArgumentHelp("Images of each of the --classes in a batch.", valueName: "k"))
    var samples: Int?

    /// Set where there is a value for both.
    var balance: BatchBalance? {
        guard let classes, let samples else { return nil }
        return BatchBalance(classes: classes, samples: samples)
    }

    func options(for kind: NetworkKind) -> InBatchOptions {
        guard kind.isInBatch else { return InBatchOptions() }
        return InBatchOptions(
            selector: selector ?? TupleSelector.choices(of: kind).first,
            distance: kind.isSoftmax ? .cosine : distance ?? .euclidean, isNormalized: kind.isSoftmax || normalize,
            temperature: temperature ?? 0.1)
    }

    func validate(for kind: NetworkKind, batchSize: Int) throws {
        try require("--selector", isGiven: selector != nil, for: kind) { !TupleSelector.choices(of: $0).isEmpty }
        try require("--distance", isGiven: distance != nil, for: kind, where: \.isInBatch)
        try require("--normalize", isGiven: normalize, for: kind, where: \.isInBatch)
        try require("--temperature", isGiven: temperature != nil, for: kind, where: \.isSoftmax)
        for (name, value) in [("--classes", classes), ("--samples", samples)] {
            try require(name, isGiven: value != nil, for: kind) { $0.isInBatch && $0.usesLabels }
        }
        guard kind.isInBatch else { return }
        let choices = TupleSelector.choices(of: kind)
        if let selector, !choices.contains(selector) {
            throw ValidationError(
                "--selector of \(kind.rawValue) is one of \(choices.map(\.rawValue).joined(separator: ", ")).")
        }
        if kind.isSoftmax, let distance, distance != .cosine {
            throw ValidationError("--distance of \(kind.rawValue) is always cosine.")
        }
        // Written so that NaN is refused.
        if let temperature, !(temperature.isFinite && temperature >= 0.01) {
            throw ValidationError("--temperature must be a number from 0.01 on, not \(temperature).")
        }
        guard batchSize <= 8192 else {
            throw ValidationError(
                "--batch-size of \(kind.rawValue) is at most 8192: all pairs of a batch are looked at.")
        }
        try validateBalance(batchSize)
    }

    private func validateBalance(_ batchSize: Int) throws {
        guard classes != nil || samples != nil else { return }
        guard let classes, let samples else { throw ValidationError("--classes and --samples belong together.") }
        try require("--classes", classes, in: 1...256)
        try require("--samples", samples, in: 1...8192)
        guard classes * samples == batchSize else {
            throw ValidationError(
                "--classes \(classes) times --samples \(samples) is \(classes * samples), not the batch size \(batchSize): say "
                    + "--batch-size \(classes * samples).")
        }
    }
}

extension TupleSelector: ExpressibleByArgument {}

extension LatentDistance: ExpressibleByArgument {}
