// What travels up the reduction tree: a gradient sum with the sums that belong to it. Never a mean.

/// The sum over the microbatches of one tree node.
package struct Partial: Sendable {
    /// Σ gradient, one float per parameter.
    package let gradient: GradientBuffer
    /// Σ loss over the examples.
    package private(set) var lossSum: Double
    /// Σ of the loss's second term, where it has two that are reported by themselves; else zero.
    package private(set) var secondTermSum: Double
    /// Examples summed; the tail microbatch may be short.
    package private(set) var exampleCount: UInt32
    /// Examples with a non-zero loss gradient (triplets and pairs beyond the margin have none).
    package private(set) var activeCount: UInt32

    package init(
        gradient: GradientBuffer, lossSum: Double, secondTermSum: Double = 0, exampleCount: UInt32, activeCount: UInt32
    ) {
        self.gradient = gradient
        self.lossSum = lossSum
        self.secondTermSum = secondTermSum
        self.exampleCount = exampleCount
        self.activeCount = activeCount
    }

    /// self = self + right, in place; the caller recycles `right`'s buffer. Order matters: `right` has higher indices.
    mutating func add(_ right: Partial) {
        gradient.add(right.gradient)
        lossSum += right.lossSum
        secondTermSum += right.secondTermSum
        exampleCount += right.exampleCount
        activeCount += right.activeCount
    }
}
