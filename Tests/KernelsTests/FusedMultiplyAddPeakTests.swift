// The peak kernel against its naive twin. That it is fast is for `siamese bench` to show; here it must only do all of its work.
import Kernels
import Testing

@Suite struct FusedMultiplyAddPeakTests {
    @Test(arguments: [0, 1, 2, 3, 7, 100]) func everyChainIsComputed(rounds: Int) {
        let chains = Tensor(peakChains * laneCount, seed: 7)
        let expected = (0..<chains.count).map { position in
            (0..<rounds).reduce(chains.scalars[position]) { value, _ in Float(0.001).addingProduct(value, 0.999) }
        }
        fusedMultiplyAddPeak(rounds: rounds, factor: 0.999, addend: 0.001, chains: chains.lanes)
        #expect(chains.bits == expected.map(\.bitPattern))
        #expect(peakOperationsPerRound == 2 * chains.count)
    }
}
