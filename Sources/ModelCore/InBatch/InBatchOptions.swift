// What an in-batch loss is told: which tuples of the batch it looks at, how distances are measured, and its constants. All of it
// enters the result.

/// How far apart two latent vectors are.
package enum LatentDistance: String, CaseIterable, Sendable {
    /// ‖z − z′‖₂
    case euclidean
    /// ‖z − z′‖₂²
    case squared
    /// 1 − cos ∠(z, z′); vectors are made unit vectors first, whatever `--normalize` says.
    case cosine
}

/// Which pairs or triplets of a batch enter the loss.
package enum TupleSelector: String, CaseIterable, Sendable {
    /// Every pair of the same class, and for each of them one of different classes, drawn at random.
    case allPositive = "all-positive"
    /// Every pair of the same class, and as many of different classes: the closest there are.
    case hardNegative = "hard-negative"
    /// Every triplet (Hermans et al. 2017, "batch all"); the mean is over those with a loss.
    case all
    /// For every pair of the same class the closest image of another class, if the triplet has a loss.
    case hardest
    /// For every pair of the same class an image of another class, drawn among those whose triplet has a loss.
    case randomHard = "random-hard"
    /// For every pair of the same class the closest of those images of another class that are further away than the positive
    /// but within the margin (Schroff et al. 2015).
    case semiHard = "semi-hard"
    /// For every image the farthest of its class and the closest of another (Hermans et al. 2017, "batch hard").
    case batchHard = "batch-hard"

    /// The selectors that a network understands, its default first; none where there is nothing to choose.
    package static func choices(of kind: NetworkKind) -> [TupleSelector] {
        switch kind {
        case .onlineContrastive: [.hardNegative, .allPositive]
        case .onlineTriplet: [.semiHard, .all, .hardest, .randomHard, .batchHard]
        default: []
        }
    }
}

/// The options of an in-batch loss.
package struct InBatchOptions: Equatable, Sendable {
    /// Nil where the network has nothing to choose.
    package var selector: TupleSelector?
    package var distance = LatentDistance.euclidean
    /// Latent vectors are divided by their length.
    package var isNormalized = false
    /// Of the softmax over similarities: τ in Khosla et al. 2020 and Chen et al. 2020.
    package var temperature: Float = 0.1

    package init(
        selector: TupleSelector? = nil, distance: LatentDistance = .euclidean, isNormalized: Bool = false,
        temperature: Float = 0.1
    ) {
        self.selector = selector
        self.distance = distance
        self.isNormalized = isNormalized
        self.temperature = temperature
    }

    /// The loss sees unit vectors.
    var usesUnitVectors: Bool { isNormalized || distance == .cosine }
}
