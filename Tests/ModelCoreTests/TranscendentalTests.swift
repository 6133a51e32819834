// The project's own exp, log and cos against libm in double precision. Reached through the losses and the initializer, which
// are all that uses them.
import Glibc
import ModelCore
import Testing

@Suite struct TranscendentalTests {
    @Test func exponentialIsWithinTwoUlps() {
        for step in 0...20_000 {
            let x = -Float(step) * 0.004
            let expected = Glibc.exp(Double(max(x, -87)))
            #expect(abs(Double(exponential(ofNonPositive: x)) - expected) <= 2 * expected * 0x1p-23, "x = \(x)")
        }
        #expect(exponential(ofNonPositive: 0) == 1)
        #expect(exponential(ofNonPositive: -.infinity) > 0)
        #expect(exponential(ofNonPositive: .nan).isNaN)
    }

    @Test func logarithmsAgreeWithLibm() {
        for step in 0...1000 {
            let u = Float(step) / 1000
            #expect(abs(Double(logarithmOfOnePlus(u)) - log1p(Double(u))) <= 2e-7 * max(log1p(Double(u)), 1e-3))
        }
        for step in 1...2000 {
            let x = Double(step) * 0.37
            #expect(abs(logarithm(x) - Glibc.log(x)) <= 1e-14 * max(1, abs(Glibc.log(x))), "x = \(x)")
        }
        #expect(logarithm(0x1p-24) == Glibc.log(0x1p-24))
        #expect(logarithm(Double.nan).isNaN)
    }

    @Test func cosineAgreesWithLibm() {
        for step in 0..<4096 {
            let u = Double(step) / 4096
            #expect(abs(cosineOfTurns(u) - cos(2 * .pi * u)) < 1e-14, "u = \(u)")
        }
    }
}
