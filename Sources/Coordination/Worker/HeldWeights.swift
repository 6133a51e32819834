// The weights that a worker or a relay has, as the frames that brought them. A second round brings gradients of latent vectors alone
// to who has its weights since the first. Not what they are: that is the shells' affair.

/// The payload frames of the weights of one round: the weights, and in a second round the gradients of all latent vectors.
package struct HeldWeights<Floats> {
    /// Of these weights; 0: there are none.
    private var step: UInt64 = 0
    package private(set) var frames: [Floats] = []

    package init() {}

    /// Why a message cannot be used: it builds on weights that are not here. As if it had not come, the coordinator will hear that there
    /// is nothing to do here, and send them. (Were they others than it thinks, it would see it in the answer.)
    package func objection(to message: CoordinatorMessage) -> String? {
        guard case .latentGradients(_, let round, _) = message, frames.isEmpty || step &+ 1 != round else { return nil }
        return "round \(round) builds on the weights of the one before, which are not here"
    }

    /// The payload of a message to which there is no objection, with the weights that it builds on.
    package func payload(of message: CoordinatorMessage, _ payload: [Floats]) -> [Floats] {
        guard case .latentGradients = message else { return payload }
        return frames.prefix(1) + payload
    }

    package mutating func keep(_ frames: [Floats], ofStep step: UInt64) { (self.frames, self.step) = (frames, step) }

    /// Another run begins.
    package mutating func forget() { self = HeldWeights() }
}
