// What every loss has in common: it reads the latent vectors of up to eight examples and leaves the sum of their losses, the
// gradient of the latent vectors, and the gradients of its own parameters. The means are taken by the coordinator.
internal import Kernels

/// Sums over the examples of a microbatch, or of any number of them.
package struct LossSums: Equatable, Sendable {
    package var loss: Double
    package var examples: Int
    /// Examples whose loss is not zero.
    package var active: Int

    package init(loss: Double = 0, examples: Int = 0, active: Int = 0) {
        self.loss = loss
        self.examples = examples
        self.active = active
    }

    mutating func add(_ loss: Float) {
        self.loss += Double(loss)
        examples += 1
        if loss != 0 { active += 1 }
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
