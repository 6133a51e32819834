// The learning rate of every step of a run: a pure function of the step's number, so a resumed run needs to know nothing else. Like all
// of training it uses + − × ÷ and the project's own cosine.

/// How the rate goes on from its peak.
package enum LearningRateSchedule: String, CaseIterable, Sendable {
    /// The peak, always.
    case constant
    /// Loshchilov & Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017), eq. 5, without restarts and down to zero.
    case cosine
}

package struct LearningRate: Sendable, Equatable {
    package let peak: Double
    package let schedule: LearningRateSchedule
    /// The cosine reaches zero after so many steps.
    package let totalSteps: Int

    package init(peak: Double, schedule: LearningRateSchedule, totalSteps: Int) {
        precondition(totalSteps > 0, "a schedule over \(totalSteps) steps")
        self.peak = peak
        self.schedule = schedule
        self.totalSteps = totalSteps
    }

    /// - Parameter step: from 1
    package func rate(ofStep step: Int) -> Double {
        precondition(step > 0, "step \(step)")
        switch schedule {
        case .constant: return peak
        case .cosine:
            // The first step has the whole peak; zero would be the turn of the step after the last.
            guard step <= totalSteps else { return 0 }
            // ½·(1 + cos(π·t)) = cos²(π·t/2): the rate of the last steps is not lost in the rounding of 1 + cos.
            let cosine = cosineOfTurns(Double(step - 1) / Double(4 * totalSteps))
            return peak * (cosine * cosine)
        }
    }
}
