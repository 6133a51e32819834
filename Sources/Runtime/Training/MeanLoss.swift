// The mean loss over a set of examples, and its two terms where a network's loss has two: from sums to what a run reports.
internal import Artifacts
internal import ModelCore

/// Means per example.
package struct MeanLoss: Equatable, Sendable {
    package let loss: Double
    /// Of the loss's second term, unweighted; zero where it has one only.
    package let secondTerm: Double

    package init(loss: Double, secondTerm: Double) {
        self.loss = loss
        self.secondTerm = secondTerm
    }

    init(_ sums: LossSums) {
        self.init(loss: sums.loss / Double(sums.examples), secondTerm: sums.secondTerm / Double(sums.examples))
    }

    /// Nil if the loss has one term only.
    func terms(of network: NetworkDescription) -> LossTerms? {
        guard network.kind.hasTwoTerms else { return nil }
        return LossTerms(reconstruction: loss - Double(network.beta) * secondTerm, divergence: secondTerm)
    }
}

extension TrainingRecord {
    /// What is left of the epoch under way when it ends.
    func epoch(_ number: Int, validation: MeanLoss, _ network: NetworkDescription) -> Epoch {
        let hasTwoTerms = network.kind.hasTwoTerms
        return Epoch(
            number: number, trainLoss: runningLoss, testLoss: validation.loss,
            trainSecondTerm: hasTwoTerms ? runningSecondTerm : nil,
            testSecondTerm: hasTwoTerms ? validation.secondTerm : nil)
    }
}

extension TrainingRecord.Epoch {
    func trainTerms(of network: NetworkDescription) -> LossTerms? { Self.terms(trainLoss, trainSecondTerm, network) }

    func testTerms(of network: NetworkDescription) -> LossTerms? { Self.terms(testLoss, testSecondTerm, network) }

    private static func terms(_ loss: Double?, _ secondTerm: Double?, _ network: NetworkDescription) -> LossTerms? {
        guard let loss, let secondTerm else { return nil }
        return MeanLoss(loss: loss, secondTerm: secondTerm).terms(of: network)
    }
}

extension MetricsLine {
    /// After an epoch.
    init(step: Int, epoch: Int, validation: MeanLoss, _ network: NetworkDescription) {
        self.init(
            step: step, epoch: epoch, split: .test, loss: validation.loss, terms: validation.terms(of: network))
    }
}
