// The learning rate of every step against the closed form, and pinned to the bit.
import Glibc
import ModelCore
import Testing

@Suite struct LearningRateTests {
    @Test(arguments: [1, 2, 3, 28, 3290, 1_000_000])
    func aCosineFollowsItsFormula(total: Int) {
        let rate = LearningRate(peak: 0.002, schedule: .cosine, totalSteps: total)
        #expect(rate.rate(ofStep: 1) == 0.002)
        var last = Double.infinity
        for step in stride(from: 1, through: total, by: max(1, total / 1000)) {
            // Loshchilov & Hutter 2017, eq. 5, as the sine that keeps its digits where the cosine is near −1.
            let quarterTurn = sin(.pi / 2 * Double(total - step + 1) / Double(total))
            let expected = 0.002 * quarterTurn * quarterTurn
            #expect(abs(rate.rate(ofStep: step) - expected) <= 1e-13 * expected, "step \(step) of \(total)")
            #expect(abs(rate.rate(ofStep: step) - 0.001 * (1 + cos(.pi * Double(step - 1) / Double(total)))) < 1e-17)
            #expect(rate.rate(ofStep: step) < last)
            last = rate.rate(ofStep: step)
        }
        #expect(rate.rate(ofStep: total) > 0)
        #expect(rate.rate(ofStep: total + 1) == 0)
        #expect(rate.rate(ofStep: total + 1000) == 0)
    }

    /// As the golden digests: these enter the weights.
    @Test func aCosineHasTheSameBitsAsEver() {
        let rate = LearningRate(peak: 0.001, schedule: .cosine, totalSteps: 28)
        let bits = [1, 2, 14, 15, 16, 27, 28].map { rate.rate(ofStep: $0).bitPattern }
        let golden: [UInt64] = [
            0x3F50_624D_D2F1_A9FC,
            0x3F50_551E_17A6_EE6F,
            0x3F42_37EA_C3C9_9058,
            0x3F40_624D_D2F1_A9FD,
            0x3F3D_1961_C433_873F,
            0x3EEA_4A3C_C16B_56E6,
            0x3ECA_5F76_9577_1B34,
        ]
        #expect(bits == golden)
    }

    @Test func aConstantIsItsPeak() {
        let rate = LearningRate(peak: 1e-4, schedule: .constant, totalSteps: 5)
        #expect([1, 2, 5, 6, 1_000_000].map { rate.rate(ofStep: $0) } == Array(repeating: 1e-4, count: 5))
    }
}
