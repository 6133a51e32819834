// Which shards are computed twice, and what results are that have not been confirmed yet. Pure choice: what a mismatch leads to is
// decided in CoordinatorCore+Audit, whose results they are is in Ledger.

/// A fraction of all shards, chosen by a seed.
package struct AuditPlan: Equatable, Sendable {
    /// Of the shards, from 0 to 1.
    package let fraction: Double
    package let seed: UInt64

    package init(fraction: Double, seed: UInt64) {
        precondition((0...1).contains(fraction), "a fraction is from 0 to 1, not \(fraction)")
        self.fraction = fraction
        self.seed = seed
    }

    /// Depends on seed, step and range alone; no worker can know it before.
    func audits(step: UInt64, range: MicrobatchRange) -> Bool {
        if fraction >= 1 { return true }
        let words = [seed, step, UInt64(range.first), UInt64(range.count)]
        let hash = words.withUnsafeBytes { fingerprint(of: $0) }
        return Double(hash >> 11) * 0x1p-53 < fraction
    }
}

/// Results of one worker that were accepted and that nobody has confirmed.
package struct UnconfirmedResults: Equatable, Sendable {
    package var firstStep: UInt64
    package var lastStep: UInt64
    package var shards: Int

    package init(firstStep: UInt64, lastStep: UInt64, shards: Int) {
        self.firstStep = firstStep
        self.lastStep = lastStep
        self.shards = shards
    }

    mutating func add(resultOf step: UInt64) {
        firstStep = min(firstStep, step)
        lastStep = max(lastStep, step)
        shards += 1
    }

    /// With other numbers for the steps.
    package func inSteps(_ step: (UInt64) -> UInt64) -> UnconfirmedResults {
        UnconfirmedResults(firstStep: step(firstStep), lastStep: step(lastStep), shards: shards)
    }

    func joined(with other: UnconfirmedResults) -> UnconfirmedResults {
        UnconfirmedResults(
            firstStep: min(firstStep, other.firstStep), lastStep: max(lastStep, other.lastStep),
            shards: shards + other.shards)
    }
}

extension UnconfirmedResults: CustomStringConvertible {
    package var description: String {
        let steps = firstStep == lastStep ? "step \(firstStep)" : "steps \(firstStep) to \(lastStep)"
        return "\(shards) unconfirmed shard\(shards == 1 ? "" : "s") in \(steps)"
    }
}
