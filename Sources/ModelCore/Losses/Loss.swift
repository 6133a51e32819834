// What every loss has in common: it reads the latent vectors of up to eight examples and leaves the sum of their losses, the
// gradient of the latent vectors, and the gradients of its own parameters. The means are taken by the coordinator.
internal import Kernels

/// Sums over the examples of a microbatch, or of any number of them.
package struct LossSums: Equatable, Sendable {
    package var loss: Double
    /// Of a loss of two terms the second one, unweighted: the KL divergence of a variational autoencoder. Else zero.
    package var secondTerm: Double
    package var examples: Int
    /// Examples whose loss is not zero.
    package var active: Int

    package init(loss: Double = 0, secondTerm: Double = 0, examples: Int = 0, active: Int = 0) {
        self.loss = loss
        self.secondTerm = secondTerm
        self.examples = examples
        self.active = active
    }

    package mutating func add(_ loss: Float) { add(Double(loss), secondTerm: 0) }

    mutating func add(_ loss: Double, secondTerm: Double) {
        self.loss += loss
        self.secondTerm += secondTerm
        examples += 1
        if loss != 0 { active += 1 }
    }

    /// self = self + right: in the order of the examples.
    package mutating func add(_ right: LossSums) {
        loss += right.loss
        secondTerm += right.secondTerm
        examples += right.examples
        active += right.active
    }
}

/// Scalar access to [tower][dimension][lane] vectors.
struct LatentView {
    let dimensions: Int
    private let floats: UnsafeMutablePointer<Float>

    init(_ start: UnsafePointer<Lanes>, dimensions: Int) {
        floats = UnsafeMutableRawPointer(mutating: start).assumingMemoryBound(to: Float.self)
        self.dimensions = dimensions
    }

    subscript(tower: Int, dimension: Int, lane: Int) -> Float {
        get { floats[(tower * dimensions + dimension) * laneCount + lane] }
        nonmutating set { floats[(tower * dimensions + dimension) * laneCount + lane] = newValue }
    }
}

/// The latent vectors of a microbatch, where their gradient goes, and the labels.
struct LossInput {
    let latents: LatentView
    /// Zero everywhere when the loss is called, so that empty lanes add nothing.
    let gradient: LatentView
    /// One per example: a class, or 1 for a pair of the same class, else 0.
    let targets: UnsafePointer<Int32>
    /// Examples in the microbatch: lanes from here on are empty.
    let examples: Int
    let dimensions: Int
}
