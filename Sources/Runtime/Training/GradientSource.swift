// What the training loop asks of those who compute: a seam, behind which is the crew, or a test.
package import Coordination
package import Messaging

/// Computes the gradient sums of steps. Every call may throw `StopRequest`, when the user wants the run to end, and `GoBack`.
package protocol GradientSource: AnyObject {
    var workerCount: Int { get }
    /// Begins a step at `weights`; its examples may be under way already.
    ///
    /// - Parameter latentGradients: of a second round
    func begin(_ input: StepInput, weights: Frame, latentGradients: Frame?) throws
    /// Sends the examples of the step after the running one ahead.
    func prepare(_ input: StepInput) throws
    /// The sum of the running step's gradients and losses; its buffer goes back with `recycle`.
    func gradientSum() throws -> Partial
    /// The latent vectors of the running first round, [example][tower][dimension].
    func latents() throws -> [Float]
    func recycle(_ buffer: GradientBuffer)
    /// The sum just taken is not finite. Returns if that is the model's doing; throws `GoBack` if it is a worker's.
    func examineNonFinite() throws
    /// What workers have contributed unconfirmed, for the checkpoint.
    var ledger: Ledger { get }
    /// A look at the link in the middle of other work.
    func attend() throws
}

extension Crew: GradientSource {
    package var workerCount: Int { shell.workers.count }
    package func begin(_ input: StepInput, weights: Frame, latentGradients: Frame?) throws {
        try shell.begin(input, weights: weights, latentGradients: latentGradients)
    }
    package func latents() throws -> [Float] { try shell.latents() }
    package func prepare(_ input: StepInput) throws { try shell.prepare(input) }
    package func gradientSum() throws -> Partial { try shell.gradientSum() }
    package func examineNonFinite() throws { try shell.examineNonFinite() }
    package var ledger: Ledger { shell.ledger }
    package func recycle(_ buffer: GradientBuffer) { shell.recycle(buffer) }
}
