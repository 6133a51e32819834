// The seam of the in-batch family: a loss reads the distances of a batch and leaves, for every pair, by how much it grows with
// that pair's distance. What becomes of the slopes is not its affair (LatentGeometry.swift). A new loss is a type like those in the
// files beside this one, and a case in `makeBatchLoss`: docs/extending.md.

/// A loss over the tuples of a batch.
package protocol BatchLoss {
    /// What the mean divides by.
    var reduction: Reduction { get }

    /// The sum over the tuples, how many there were (`examples`), and how many had a loss.
    ///
    /// - Parameter slopes: zero at first; `slopes[i][j]` gets d loss ÷ d distance(i, j). Where only i < j or both are written
    ///   makes no difference: [i][j] and [j][i] are added.
    func evaluate(_ batch: BatchView, slopes: PairMatrix) -> LossSums
}

extension BatchLoss {
    package var reduction: Reduction { .selected }
}

/// What the mean of a loss divides by.
package enum Reduction: Sendable {
    /// The selected tuples.
    case selected
    /// Those of them that have a loss.
    case active

    func reduce(_ sums: LossSums) -> LossSums {
        switch self {
        case .selected: sums
        case .active: LossSums(loss: sums.loss, examples: sums.active, active: sums.active)
        }
    }
}

/// The loss of a network of the in-batch family; nil: it is none of them.
package func makeBatchLoss(_ network: NetworkDescription) -> (any BatchLoss)? {
    let (options, margin) = (network.inBatch, network.margin)
    return switch (network.kind, options.selector) {
    case (.onlineContrastive, .allPositive?): PairLoss(miner: AllPositivePairs(), cost: ContrastiveCost(margin: margin))
    case (.onlineContrastive, _): PairLoss(miner: HardNegativePairs(), cost: ContrastiveCost(margin: margin))
    case (.onlineTriplet, .all?): BatchAllLoss(margin: margin)
    case (.onlineTriplet, .hardest?): TripletLoss(miner: HardestNegative(), margin: margin)
    case (.onlineTriplet, .randomHard?): TripletLoss(miner: RandomHardNegative(), margin: margin)
    case (.onlineTriplet, .batchHard?): BatchHardLoss(margin: margin)
    case (.onlineTriplet, _): TripletLoss(miner: SemiHardNegative(), margin: margin)
    case (.supervisedContrastive, _), (.ntXent, _): SupervisedContrastiveLoss(temperature: options.temperature)
    default: nil
    }
}
