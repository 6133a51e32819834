// The ledger of unconfirmed results in a checkpoint, so that a coordinator that was killed still knows whom not to trust.
internal import Artifacts
internal import Coordination

extension Ledger {
    var json: JSONValue {
        [
            "unconfirmed": .array(
                unconfirmed.sorted { $0.key < $1.key }.map { person, results in
                    [
                        "person": .string(person), "first_step": .string("\(results.firstStep)"),
                        "last_step": .string("\(results.lastStep)"), "shards": .integer(results.shards),
                    ]
                }),
            "quarantined": .array(quarantined.sorted().map(JSONValue.string)),
        ]
    }

    /// Nil if it is not what `json` makes.
    init?(json: JSONValue) {
        guard let entries = json["unconfirmed"]?.array, let names = json["quarantined"]?.array else { return nil }
        var unconfirmed: [String: UnconfirmedResults] = [:]
        for entry in entries {
            guard let person = entry["person"]?.string, let shards = entry["shards"]?.integer,
                let first = entry["first_step"]?.string.flatMap({ UInt64($0) }),
                let last = entry["last_step"]?.string.flatMap({ UInt64($0) }), first <= last, shards.isPlausibleCount
            else { return nil }
            unconfirmed[person] = UnconfirmedResults(firstStep: first, lastStep: last, shards: shards)
        }
        let quarantined = names.compactMap(\.string)
        guard quarantined.count == names.count else { return nil }
        self.init(unconfirmed: unconfirmed, quarantined: Set(quarantined))
    }
}
