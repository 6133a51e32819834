// Which latent vectors of a batch belong together.
internal import Datasets
internal import ModelCore

extension ExampleIndices {
    /// The label of every latent vector of the batch, [example][tower]: the class of its image, or, where two views of an image are
    /// what belongs together, the number of the example.
    func vectorLabels(of kind: NetworkKind) -> [Int32] {
        switch kind {
        case .ntXent: (0..<count).flatMap { [Int32($0), Int32($0)] }
        default: targets
        }
    }
}
