// Which shards are computed twice, and whose results have not been confirmed yet. Pure choice and bookkeeping: what a mismatch
// leads to is decided in CoordinatorCore+Audit.

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

/// What every worker has contributed since its last clean audit, and who computed wrongly, by person
/// (`WorkerIdentity.person`). It outlives connections and, in the checkpoint, the coordinator.
package struct Ledger: Equatable, Sendable {
    package private(set) var unconfirmed: [String: UnconfirmedResults] = [:]
    /// Not admitted again: persons, and keys as a whole.
    package private(set) var quarantined: Set<String> = []
    /// Results of this coordinator's time, by person.
    private var accepted: [String: Int] = [:]

    package init() {}

    package init(unconfirmed: [String: UnconfirmedResults], quarantined: Set<String>) {
        self.unconfirmed = unconfirmed
        self.quarantined = quarantined
    }

    func isQuarantined(_ worker: WorkerIdentity) -> Bool {
        quarantined.contains(worker.person) || worker.key.map(quarantined.contains) == true
    }

    /// A worker is not to come back; under its key nobody, unless other processes have the key too. What it has contributed, and with
    /// the whole key all that ever was under it, is to be undone: returned, and forgotten here.
    mutating func quarantine(_ worker: WorkerIdentity, sharesKey: Bool) -> UnconfirmedResults? {
        let wholeKey = sharesKey ? nil : worker.key
        quarantined.insert(wholeKey ?? worker.person)
        let void = unconfirmed.filter { person, _ in
            person == worker.person || wholeKey.map { WorkerIdentity.person(person, isOf: $0) } == true
        }
        for person in void.keys { unconfirmed[person] = nil }
        return void.values.sorted { $0.firstStep < $1.firstStep }.reduce(nil) { sum, results in
            sum?.joined(with: results) ?? results
        }
    }

    /// Returns how many that makes: the number of this result.
    mutating func accepted(from person: String, step: UInt64) -> Int {
        var results = unconfirmed[person] ?? UnconfirmedResults(firstStep: step, lastStep: step, shards: 0)
        results.add(resultOf: step)
        unconfirmed[person] = results
        accepted[person, default: 0] += 1
        return accepted[person] ?? 0
    }

    /// Somebody else gave the same bits as this person did for a shard of `step`: whatever he had contributed until then is good,
    /// but not what he has contributed since.
    ///
    /// - Parameter number: of the result that was confirmed; nil: it was not used, and it is his last word
    mutating func confirmed(_ person: String, result number: Int?, step: UInt64) {
        let later = number.map { (accepted[person] ?? 0) - $0 } ?? 0
        if later > 0 {
            unconfirmed[person]?.firstStep = step
            unconfirmed[person]?.shards = later
        } else {
            unconfirmed[person] = nil
        }
    }

    subscript(person: String) -> UnconfirmedResults? { unconfirmed[person] }

    /// The run has gone back to before `step`: what was accepted from there on is void.
    mutating func goBack(before step: UInt64) {
        for (person, results) in unconfirmed where results.lastStep >= step {
            if results.firstStep < step {
                unconfirmed[person]?.lastStep = step - 1
            } else {
                unconfirmed[person] = nil
            }
        }
    }
}
