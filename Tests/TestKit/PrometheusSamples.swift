// A strict reader of Prometheus' text format, as far as we write it: every sample follows the HELP and TYPE of its family, no sample
// comes twice, names and labels are well formed.

/// Samples by name and labels as they were written.
package struct PrometheusSamples {
    package private(set) var values: [String: Double] = [:]
    package private(set) var kinds: [String: String] = [:]

    package struct Malformed: Error, CustomStringConvertible {
        package let description: String
    }

    package init(parsing text: String) throws {
        guard text.hasSuffix("\n") else { throw Malformed(description: "the last line has no end") }
        var family: (name: String, kind: String?)?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            func refuse(_ reason: String) -> Malformed { Malformed(description: "\(reason): \(line)") }
            if line.hasPrefix("# HELP ") {
                let words = line.split(separator: " ", maxSplits: 3)
                guard words.count == 4, Self.isName(words[2]) else { throw refuse("no help") }
                guard kinds[String(words[2])] == nil else { throw refuse("a family in two places") }
                family = (String(words[2]), nil)
            } else if line.hasPrefix("# TYPE ") {
                let words = line.split(separator: " ")
                guard words.count == 4, family?.name == String(words[2]), family?.kind == nil,
                    ["counter", "gauge", "summary"].contains(words[3])
                else { throw refuse("no type of the family above") }
                family?.kind = String(words[3])
                kinds[String(words[2])] = String(words[3])
            } else {
                guard let family, let kind = family.kind else { throw refuse("a sample without a family") }
                let (name, labels, value) = try Self.sample(line, refuse)
                guard name == family.name else { throw refuse("a sample of another family") }
                guard (kind == "counter") == name.hasSuffix("_total") else {
                    throw refuse("_total and counter go together")
                }
                guard values.updateValue(value, forKey: name + labels) == nil else { throw refuse("a sample twice") }
            }
        }
    }

    private static func sample(
        _ line: Substring, _ refuse: (String) -> Malformed
    ) throws -> (name: String, labels: String, value: Double) {
        guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else {
            throw refuse("no value")
        }
        let metric = line[..<space]
        guard let brace = metric.firstIndex(of: "{") else {
            guard isName(metric) else { throw refuse("no name") }
            return (String(metric), "", value)
        }
        guard isName(metric[..<brace]), metric.hasSuffix("}") else { throw refuse("no name or no end of labels") }
        try checkLabels(metric[metric.index(after: brace)...].dropLast(), refuse)
        return (String(metric[..<brace]), String(metric[brace...]), value)
    }

    /// `name="value"`, separated by commas; in a value `\\`, `\"` and `\n` are escapes.
    private static func checkLabels(_ text: Substring, _ refuse: (String) -> Malformed) throws {
        var rest = text
        var names: Set<Substring> = []
        while true {
            guard let equals = rest.firstIndex(of: "="), isName(rest[..<equals]), names.insert(rest[..<equals]).inserted
            else { throw refuse("no label") }
            rest = rest[rest.index(after: equals)...]
            guard rest.popFirst() == "\"" else { throw refuse("no value of a label") }
            var isOpen = true
            while isOpen {
                switch rest.popFirst() {
                case "\\": guard let next = rest.popFirst(), "\\\"n".contains(next) else { throw refuse("no escape") }
                case "\"": isOpen = false
                case nil: throw refuse("a label without an end")
                default: break
                }
            }
            guard let separator = rest.popFirst() else { return }
            guard separator == "," else { throw refuse("no comma") }
        }
    }

    private static func isName(_ text: Substring) -> Bool {
        guard let first = text.unicodeScalars.first, first.properties.isAlphabetic || first == "_" else { return false }
        return text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x5f
        }
    }
}
