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
    /// The variational autoencoder of Kingma & Welling (2014).
    case variationalAutoencoder = "vae"

    /// Latent vectors of an example.
    package var towers: Int {
        switch self {
        case .embeddingClassification, .variationalAutoencoder, .onlineContrastive, .onlineTriplet,
            .supervisedContrastive:
            1
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
        case .embeddingClassification, .siameseContrastive, .siameseBinaryCrossEntropy, .triplet,
            .variationalAutoencoder:
            false
        }
    }

    /// The loss has a margin.
    package var hasMargin: Bool {
        switch self {
        case .siameseContrastive, .triplet, .onlineContrastive, .onlineTriplet: true
        case .embeddingClassification, .siameseBinaryCrossEntropy, .supervisedContrastive, .ntXent,
            .variationalAutoencoder:
            false
        }
    }

    /// The loss is a softmax over the similarities in the batch: it has a temperature, and sees directions only.
    package var isSoftmax: Bool { self == .supervisedContrastive || self == .ntXent }

    /// The loss asks for the classes of images.
    package var usesLabels: Bool { self != .variationalAutoencoder && self != .ntXent }

    /// Whether the loss draws random numbers: then it depends on the positions of the examples (`ExamplePositions`).
    package var drawsNoise: Bool { self == .variationalAutoencoder || self == .ntXent }

    /// Whether the loss is the sum of two terms that are reported by themselves.
    package var hasTwoTerms: Bool { self == .variationalAutoencoder }
}

/// Everything about a network that its arithmetic depends on.
package struct NetworkDescription: Equatable, Sendable {
    package let kind: NetworkKind
    package let architecture: Architecture
    /// Dimensions of the latent space, at least 1.
    package let latentDimensions: Int
    /// Of the contrastive and the triplet loss.
    package let margin: Float
    /// Weight of the KL divergence in the loss of a variational autoencoder (Higgins et al. 2017, "β-VAE"); 1: the evidence
    /// lower bound itself.
    package let beta: Float
    /// Of the in-batch family.
    package let inBatch: InBatchOptions
    /// How the random numbers of examples are drawn, where the loss needs some.
    package let noise: NoisePlan

    package init(
        kind: NetworkKind, architecture: Architecture = .seed, latentDimensions: Int = 2, margin: Float = 1,
        beta: Float = 1, inBatch: InBatchOptions = InBatchOptions(),
        noise: NoisePlan = NoisePlan(seed: 0, batchSize: 1)
    ) {
        precondition(latentDimensions >= 1, "a latent space has at least one dimension")
        self.kind = kind
        self.architecture = architecture
        self.latentDimensions = latentDimensions
        self.margin = margin
        self.beta = beta
        self.inBatch = inBatch
        self.noise = noise
    }
}

/// Version of the arithmetic: results of the same version have the same bits. Raised by any change to the order or kind
/// of operations, to sampling, or to the microbatch (docs/exactness.md).
package let numericsVersion: UInt32 = 1

/// Classes of the datasets this project trains on.
package let classCount = 10

/// Pixels of an image, 28×28.
package let imagePixels = 784
