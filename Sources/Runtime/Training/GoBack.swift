// Unmaking steps: somebody has found out that results which entered the weights were wrong.

/// Thrown out of a step to have earlier ones taken again; `Trainer` catches it. What was wrong must not come again: whoever throws
/// this has seen to it.
package struct GoBack: Error, Equatable {
    /// The first step that must be taken again; those before it are right.
    package let step: Int
    /// For the user.
    package let reason: String

    package init(before step: Int, reason: String) {
        self.step = step
        self.reason = reason
    }
}

/// Thrown out of a step of which there are only different answers: the run ends, in the last state that nobody doubts.
package struct NoMajority: Error, Equatable, CustomStringConvertible {
    package let goBack: GoBack
    package let description: String
}
