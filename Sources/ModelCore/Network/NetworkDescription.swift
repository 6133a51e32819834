// What is trained: the kind of network, its encoder's architecture, and the hyper-parameters that enter the arithmetic.
// Names and their meaning only; the layers are in `ParameterLayout` and `EncoderPass`.

/// A network: an encoder that is shared by all towers, and a loss on the latent vectors.
package enum NetworkKind: String, CaseIterable, Sendable {
    case embeddingClassification = "embedding-classification"
    case siameseContrastive = "siamese-contrastive"
    case siameseBinaryCrossEntropy = "siamese-binary-cross-entropy"
    case triplet
    /// The variational autoencoder of Kingma & Welling (2014).
    case variationalAutoencoder = "vae"

    /// Images in an example.
    package var towers: Int {
        switch self {
        case .embeddingClassification, .variationalAutoencoder: 1
        case .siameseContrastive, .siameseBinaryCrossEntropy: 2
        case .triplet: 3
        }
    }

    /// Whether the loss draws random numbers: then it depends on the positions of the examples (`ExamplePositions`).
    package var drawsNoise: Bool { self == .variationalAutoencoder }

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
    /// How the random numbers of examples are drawn, where the loss needs some.
    package let noise: NoisePlan

    package init(
        kind: NetworkKind, architecture: Architecture = .seed, latentDimensions: Int = 2, margin: Float = 1,
        beta: Float = 1, noise: NoisePlan = NoisePlan(seed: 0, batchSize: 1)
    ) {
        precondition(latentDimensions >= 1, "a latent space has at least one dimension")
        self.kind = kind
        self.architecture = architecture
        self.latentDimensions = latentDimensions
        self.margin = margin
        self.beta = beta
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
