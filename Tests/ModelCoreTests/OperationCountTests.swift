// Operation counts against the counts of the loops they stand for.
import ModelCore
import Testing

@Suite struct OperationCountTests {
    @Test func theSeedArchitectureByHand() {
        let count = OperationCount(.seed)
        #expect(count.layers == [172_800, 307_200, 65_536, 512])
        #expect(count.forward == 546_048)
        #expect(count.training == 1_465_344)
    }

    /// The figures of `flops_per_trained_image` in Benchmarks/peer/networks.py, which measures the other side of comparisons.
    @Test(arguments: [(Architecture.seed, 1_465_344), (.wide, 23_473_152)])
    func trainingAgreesWithThePeers(architecture: Architecture, expected: Int) {
        #expect(OperationCount(architecture).training == expected)
    }

    /// A layer's multiply-adds are the uses of its weights: one per output position for a convolution, one for a dense layer.
    @Test(arguments: Architecture.allCases, [1, 2, 7])
    func layersAgreeWithTheParameters(architecture: Architecture, latentDimensions: Int) {
        let layout = ParameterLayout(
            NetworkDescription(
                kind: .siameseContrastive, architecture: architecture, latentDimensions: latentDimensions))
        let weights = layout.slices.filter { $0.shape.count > 1 }
        let positions = [24 * 24, 8 * 8] + Array(repeating: 1, count: weights.count - 2)
        let expected = zip(weights, positions).map { 2 * $0.count * $1 }
        #expect(OperationCount(architecture, latentDimensions: latentDimensions).layers == expected)
    }
}
