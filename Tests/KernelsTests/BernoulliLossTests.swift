// The Bernoulli loss and the vector functions under it: against their twins, bit for bit, and against libm.
import Glibc
import Kernels
import Testing

@Suite struct BernoulliLossTests {
    @Test(arguments: 0...8) func agreesWithItsTwin(examples: Int) {
        for (rows, width) in [(1, 1), (3, 7), (28, 28)] {
            let count = rows * width * 8
            let seed = UInt64(count + examples)
            let (logits, targets) = (Tensor(count, seed: seed), Tensor(count, seed: seed + 1))
            for i in 0..<count {
                logits.scalars[i] *= i % 5 == 0 ? 200 : 8
                targets.scalars[i] = abs(targets.scalars[i])
            }
            let (fast, naive) = (Tensor(count, seed: 3), Tensor(count))
            let sums = bernoulliLoss(
                rows: rows, width: width, examples: examples, logits: logits.lanes, targets: targets.lanes,
                gradient: fast.lanes)
            let expected = naiveBernoulliLoss(
                rows: rows, width: width, examples: examples, logits: logits.scalars, targets: targets.scalars,
                gradient: naive.scalars)
            #expect(fast.bits == naive.bits, "\(rows)×\(width), seed \(seed)")
            for lane in 0..<examples { #expect(sums[lane].bitPattern == expected[lane].bitPattern, "seed \(seed)") }
        }
    }

    @Test func theFunctionsAgreeWithTheirTwinsAndWithLibm() {
        var x: Float = -100
        while x <= 0 {
            let fast = exponential(ofNonPositive: Lanes(repeating: x))[3]
            #expect(fast.bitPattern == naiveExponential(ofNonPositive: x).bitPattern, "\(x)")
            if x > -87 { #expect(abs(Double(fast) / exp(Double(x)) - 1) < 2.5e-7, "\(x)") }
            let u = x / -100
            let log = logarithmOfOnePlus(Lanes(repeating: u))[5]
            #expect(log.bitPattern == naiveLogarithmOfOnePlus(u).bitPattern, "\(u)")
            #expect(abs(Double(log) - log1p(Double(u))) < 1.5e-7, "\(u)")
            #expect(abs(Double(sigmoid(Lanes(repeating: x))[0]) - 1 / (1 + exp(-Double(x)))) < 1e-7, "\(x)")
            #expect(abs(Double(sigmoid(Lanes(repeating: -x))[0]) - 1 / (1 + exp(Double(x)))) < 1e-7, "\(-x)")
            x += 0.0137
        }
        #expect(exponential(ofNonPositive: Lanes.zero)[0] == 1)
        let least = [-Float.infinity, -87].map { exponential(ofNonPositive: Lanes(repeating: $0))[0] }
        #expect(least[0] == least[1])
    }

    /// Whoever watches the sum must see it.
    @Test(arguments: [Float.nan, .infinity, -.infinity]) func whatIsNotFiniteReachesTheSum(value: Float) {
        let (logits, targets, gradient) = (Tensor(12 * 8, seed: 1), Tensor(12 * 8), Tensor(12 * 8))
        logits.scalars[5 * 8 + 2] = value
        let sums = bernoulliLoss(
            rows: 3, width: 4, examples: 8, logits: logits.lanes, targets: targets.lanes,
            gradient: gradient.lanes)
        #expect(!sums[2].isFinite)
        #expect(sums[1].isFinite && sums[3].isFinite)
    }
}
