// How many single-precision operations a core can do at most: the ceiling that every kernel here is measured against. A
// measure for `siamese bench`, not part of any network.

/// Independent chains of the peak kernel. A fused multiply-add takes four cycles and two start per cycle, so eight chains
/// are the least; twelve, the factor and the addend fit into AVX2's sixteen registers.
package let peakChains = 12

/// Operations of one round: a multiply and an add per lane and chain.
package let peakOperationsPerRound = 2 * peakChains * laneCount

/// `rounds` times: each chain becomes `fma(chain, factor, addend)`. The loop touches no memory.
///
/// - Parameters:
///   - chains: [12][lane], read before and written after
///   - factor, addend: arguments on purpose: the compiler could fold constants
package func fusedMultiplyAddPeak(
    rounds: Int, factor: Float, addend: Float, chains: UnsafeMutablePointer<Lanes>
) {
    let (factor, addend) = (splat(factor), splat(addend))
    // From memory, so that nothing is known about them: chains that begin with known values LLVM may join into longer vectors
    // and shuffle, at a tenth of the speed.
    var (a, b, c, d) = (chains[0], chains[1], chains[2], chains[3])
    var (e, f, g, h) = (chains[4], chains[5], chains[6], chains[7])
    var (i, j, k, l) = (chains[8], chains[9], chains[10], chains[11])
    for _ in 0..<rounds {
        a = addend.addingProduct(a, factor)
        b = addend.addingProduct(b, factor)
        c = addend.addingProduct(c, factor)
        d = addend.addingProduct(d, factor)
        e = addend.addingProduct(e, factor)
        f = addend.addingProduct(f, factor)
        g = addend.addingProduct(g, factor)
        h = addend.addingProduct(h, factor)
        i = addend.addingProduct(i, factor)
        j = addend.addingProduct(j, factor)
        k = addend.addingProduct(k, factor)
        l = addend.addingProduct(l, factor)
    }
    (chains[0], chains[1], chains[2], chains[3]) = (a, b, c, d)
    (chains[4], chains[5], chains[6], chains[7]) = (e, f, g, h)
    (chains[8], chains[9], chains[10], chains[11]) = (i, j, k, l)
}
