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
        for kind in [NetworkKind.siameseContrastive, .variationalAutoencoder] {
            let layout = ParameterLayout(
                NetworkDescription(kind: kind, architecture: architecture, latentDimensions: latentDimensions))
            let weights = layout.slices.filter { $0.shape.count > 1 }
            let sizes = architecture == .koch ? [24, 10, 4] : [24, 8]
            let positions = sizes.map { $0 * $0 } + Array(repeating: 1, count: weights.count - sizes.count)
            let expected = zip(weights, positions).map { 2 * $0.count * $1 }
            let layers = OperationCount(architecture, kind: kind, latentDimensions: latentDimensions).layers
            #expect(layers.reduce(0, +) == expected.reduce(0, +))
            #expect(layers[0] == expected[0])
            if kind == .siameseContrastive { #expect(layers == expected) }
        }
    }
}
