// What is trained: the kind of network, its encoder's architecture, and the hyper-parameters that enter the arithmetic.
// Names and their meaning only; the layers are in `ParameterLayout` and `EncoderPass`.

/// A network: an encoder that is shared by all towers, and a loss on the latent vectors.
package enum NetworkKind: String, CaseIterable, Sendable {
    case embeddingClassification = "embedding-classification"
    case siameseContrastive = "siamese-contrastive"
    case siameseBinaryCrossEntropy = "siamese-binary-cross-entropy"
    case triplet
    case onlineContrastive = "online-contrastive"
    case onlineTriplet = "online-triplet"
    case supervisedContrastive = "supervised-contrastive"
    case ntXent = "nt-xent"

    /// Latent vectors of an example.
    package var towers: Int {
        switch self {
        case .embeddingClassification, .onlineContrastive, .onlineTriplet, .supervisedContrastive: 1
        case .siameseContrastive, .siameseBinaryCrossEntropy, .ntXent: 2
        case .triplet: 3
        }
    }

    /// Images that an example is made of; NT-Xent makes two views of one.
    package var imagesPerExample: Int { self == .ntXent ? 1 : towers }

    /// The loss is over the latent vectors of the whole batch, so that a step takes two rounds.
    package var isInBatch: Bool {
        switch self {
        case .onlineContrastive, .onlineTriplet, .supervisedContrastive, .ntXent: true
        case .embeddingClassification, .siameseContrastive, .siameseBinaryCrossEntropy, .triplet: false
        }
    }

    /// The loss has a margin.
    package var hasMargin: Bool {
        switch self {
        case .siameseContrastive, .triplet, .onlineContrastive, .onlineTriplet: true
        case .embeddingClassification, .siameseBinaryCrossEntropy, .supervisedContrastive, .ntXent: false
        }
    }
}

/// The encoder's widths: conv 5×5 → PReLU → pool → conv 5×5 → PReLU → pool → (dense → PReLU)… → dense.
package enum Architecture: String, CaseIterable, Sendable {
    case seed
    case wide

    /// Output channels of the two convolutions.
    package var channels: (first: Int, second: Int) {
        switch self {
        case .seed: (6, 16)
        case .wide: (32, 64)
        }
    }

    /// Outputs of the dense layers before the latent one.
    package var hidden: [Int] {
        switch self {
        case .seed: [128]
        case .wide: [256, 256]
        }
    }
}

/// Everything about a network that its arithmetic depends on.
package struct NetworkDescription: Equatable, Sendable {
    package let kind: NetworkKind
    package let architecture: Architecture
    /// Dimensions of the latent space, at least 1.
    package let latentDimensions: Int
    /// Of the contrastive and the triplet loss.
    package let margin: Float
    /// Of the in-batch family.
    package let inBatch: InBatchOptions

    package init(
        kind: NetworkKind, architecture: Architecture = .seed, latentDimensions: Int = 2, margin: Float = 1,
        inBatch: InBatchOptions = InBatchOptions()
    ) {
        precondition(latentDimensions >= 1, "a latent space has at least one dimension")
        self.kind = kind
        self.architecture = architecture
        self.latentDimensions = latentDimensions
        self.margin = margin
        self.inBatch = inBatch
    }
}

/// Version of the arithmetic: results of the same version have the same bits. Raised by any change to the order or kind
/// of operations, to sampling, or to the microbatch (docs/exactness.md).
package let numericsVersion: UInt32 = 1

/// Classes of the datasets this project trains on.
package let classCount = 10

/// Pixels of an image, 28×28.
package let imagePixels = 784
