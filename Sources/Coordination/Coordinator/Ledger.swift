// What nobody has confirmed yet, and who is not to come back. Pure bookkeeping: what a mismatch leads to is decided in
// CoordinatorCore+Audit.

/// What every worker has contributed since its last clean audit, and who computed wrongly, by person
/// (`WorkerIdentity.person`). It outlives connections and, in the checkpoint, the coordinator.
package struct Ledger: Equatable, Sendable {
    package private(set) var unconfirmed: [String: UnconfirmedResults] = [:]
    /// Not admitted again: persons, and keys as a whole.
    package private(set) var quarantined: Set<String> = []
    /// Results of this coordinator's time, by person.
    private var accepted: [String: Int] = [:]
    /// No fewer than anybody had who is not in `accepted` any more: results of a person keep their order.
    private var acceptedBefore = 0

    /// Of so many who have left, results are kept apart; those of others are put together, and then whoever errs takes back all of
    /// them, for some of them may be his.
    package static let absentLimit = 256
    /// Those who left long ago. Whatever comes under a name begins with "process" or "key".
    static let gone = "gone"

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
            person == worker.person || person == Self.gone
                || wholeKey.map { WorkerIdentity.person(person, isOf: $0) } == true
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
        accepted[person, default: acceptedBefore] += 1
        return accepted[person] ?? 0
    }

    /// Somebody else gave the same bits as this person did for a shard of `step`: whatever he had contributed until then is good,
    /// but not what he has contributed since.
    ///
    /// - Parameter number: of the result that was confirmed; nil: it was not used, and it is his last word in that step
    mutating func confirmed(_ person: String, result number: Int?, step: UInt64) {
        guard let results = unconfirmed[person] else { return }
        let later: Int
        if let number {
            later = (accepted[person] ?? acceptedBefore) - number
        } else {
            later = results.lastStep > step ? results.shards : 0
        }
        guard later > 0 else {
            unconfirmed[person] = nil
            return
        }
        unconfirmed[person]?.firstStep = number == nil ? max(results.firstStep, step + 1) : step
        unconfirmed[person]?.shards = later
    }

    /// The first step with a result of these workers that nobody has confirmed.
    func firstDoubtful(of workers: [WorkerIdentity]) -> UInt64? {
        (workers.map(\.person) + [Self.gone]).compactMap { unconfirmed[$0]?.firstStep }.min()
    }

    /// Somebody has left: without end, everybody who ever came would be remembered by himself.
    mutating func putTogetherAbsent(but present: some Collection<String>) {
        guard max(unconfirmed.count, accepted.count) > present.count + Self.absentLimit else { return }
        let present = Set(present)
        // Half of them, so that it is not done again at once: those whose last result is the oldest.
        let absent = unconfirmed.filter { !present.contains($0.key) && $0.key != Self.gone }
            .sorted { ($0.value.lastStep, $0.key) < ($1.value.lastStep, $1.key) }
        for (person, results) in absent.dropLast(Self.absentLimit / 2) {
            unconfirmed[person] = nil
            unconfirmed[Self.gone] = unconfirmed[Self.gone]?.joined(with: results) ?? results
        }
        for (person, count) in accepted where !present.contains(person) && unconfirmed[person] == nil {
            accepted[person] = nil
            acceptedBefore = max(acceptedBefore, count)
        }
    }

    package subscript(person: String) -> UnconfirmedResults? { unconfirmed[person] }

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
