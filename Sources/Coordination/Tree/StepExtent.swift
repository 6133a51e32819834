// How many examples and microbatches a step has, and where its short tail is. Not which examples: the sampler knows.

/// The size of one step: `examples` cut into microbatches of `examplesPerMicrobatch`, the last one possibly short.
package struct StepExtent: Hashable, Sendable {
    package let examples: Int
    package let examplesPerMicrobatch: Int

    package init(examples: Int, examplesPerMicrobatch: Int) {
        precondition(examples > 0 && examplesPerMicrobatch > 0, "a step needs examples and a microbatch size")
        self.examples = examples
        self.examplesPerMicrobatch = examplesPerMicrobatch
    }

    package var microbatches: Int { (examples + examplesPerMicrobatch - 1) / examplesPerMicrobatch }

    package var allMicrobatches: MicrobatchRange { MicrobatchRange(first: 0, count: microbatches) }

    /// The examples in the microbatches of `range`.
    package func examples(in range: MicrobatchRange) -> Int {
        min(examples, range.end * examplesPerMicrobatch) - range.first * examplesPerMicrobatch
    }
}
