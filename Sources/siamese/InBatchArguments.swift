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

    @Option(help: "How far apart two latent vectors are: euclidean (default), squared or cosine.")
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
            "Draw every batch from so many classes, with --samples images of each; their product is the batch size.",
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
        let isSoftmax = kind == .supervisedContrastive || kind == .ntXent
        return InBatchOptions(
            selector: selector ?? TupleSelector.choices(of: kind).first,
            distance: isSoftmax ? .cosine : distance ?? .euclidean, isNormalized: isSoftmax || normalize,
            temperature: temperature ?? 0.1)
    }

    func validate(for kind: NetworkKind, batchSize: Int) throws {
        guard kind.isInBatch else {
            let given = [
                ("--selector", selector != nil), ("--distance", distance != nil), ("--normalize", normalize),
                ("--temperature", temperature != nil), ("--classes", classes != nil), ("--samples", samples != nil),
            ]
            if let name = given.first(where: \.1)?.0 {
                throw ValidationError(
                    "\(name) is for the in-batch networks (online-contrastive, online-triplet, supervised-contrastive, "
                        + "nt-xent), not for \(kind.rawValue).")
            }
            return
        }
        let choices = TupleSelector.choices(of: kind)
        if let selector, !choices.contains(selector) {
            throw ValidationError(
                choices.isEmpty
                    ? "--selector: \(kind.rawValue) has nothing to select; it uses the whole batch."
                    : "--selector of \(kind.rawValue) is one of \(choices.map(\.rawValue).joined(separator: ", ")).")
        }
        let isSoftmax = kind == .supervisedContrastive || kind == .ntXent
        if isSoftmax, let distance, distance != .cosine {
            throw ValidationError("--distance of \(kind.rawValue) is always cosine.")
        }
        if let temperature, !isSoftmax || !temperature.isFinite || temperature < 0.01 {
            throw ValidationError(
                isSoftmax
                    ? "--temperature must be a number from 0.01 on, not \(temperature)."
                    : "--temperature is for supervised-contrastive and nt-xent.")
        }
        guard batchSize <= 8192 else {
            throw ValidationError(
                "--batch-size of \(kind.rawValue) is at most 8192: all pairs of a batch are looked at.")
        }
        try validateBalance(kind, batchSize)
    }

    private func validateBalance(_ kind: NetworkKind, _ batchSize: Int) throws {
        guard classes != nil || samples != nil else { return }
        guard let classes, let samples else { throw ValidationError("--classes and --samples belong together.") }
        guard kind != .ntXent else { throw ValidationError("--classes: nt-xent knows no classes.") }
        guard (1...256).contains(classes), (1...8192).contains(samples) else {
            throw ValidationError("--classes and --samples must be from 1 to 256 and from 1 to 8192.")
        }
        guard classes * samples == batchSize else {
            throw ValidationError(
                "--classes \(classes) times --samples \(samples) is \(classes * samples), not the batch size \(batchSize): say "
                    + "--batch-size \(classes * samples).")
        }
    }
}

/// Class numbers, separated by commas.
struct ClassList: ExpressibleByArgument {
    let classes: [UInt8]

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { UInt8($0) }
        guard !parts.isEmpty, parts.allSatisfy({ $0.map { $0 < 10 } == true }) else { return nil }
        classes = parts.compactMap { $0 }
    }
}

extension TupleSelector: ExpressibleByArgument {}

extension LatentDistance: ExpressibleByArgument {}
