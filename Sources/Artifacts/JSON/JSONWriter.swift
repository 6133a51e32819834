// JSON values to UTF-8 bytes, compact (one line) or pretty (two spaces). No locale, no options: equal values, equal bytes.

extension JSONValue {
    /// One line without spaces and without a newline at its end.
    package func compact() -> [UInt8] {
        var writer = JSONWriter(layout: .compact)
        writer.write(self)
        return Array(writer.text.utf8)
    }

    /// Indented by two spaces, for people; ends with a newline.
    package func pretty() -> [UInt8] {
        var writer = JSONWriter(layout: .pretty)
        writer.write(self)
        return Array((writer.text + "\n").utf8)
    }
}

private struct JSONWriter {
    enum Layout { case compact, pretty }

    let layout: Layout
    private(set) var text = ""
    private var depth = 0

    init(layout: Layout) { self.layout = layout }

    mutating func write(_ value: JSONValue) {
        switch value {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        // Swift's description is the shortest decimal that reads back as the same bits, in every locale.
        case .number(let value): text += value.isFinite ? value.description : "null"
        case .string(let value): write(string: value)
        case .array(let elements):
            writeList(elements, between: ("[", "]")) { $0.write($1) }
        case .object(let members):
            writeList(members, between: ("{", "}")) { writer, member in
                writer.write(string: member.key)
                writer.text += writer.layout == .pretty ? ": " : ":"
                writer.write(member.value)
            }
        }
    }

    private mutating func writeList<Element>(
        _ elements: [Element], between brackets: (String, String), _ write: (inout JSONWriter, Element) -> Void
    ) {
        text += brackets.0
        depth += 1
        for (index, element) in elements.enumerated() {
            if index > 0 { text += "," }
            newLine()
            write(&self, element)
        }
        depth -= 1
        if !elements.isEmpty { newLine() }
        text += brackets.1
    }

    private mutating func newLine() {
        guard layout == .pretty else { return }
        text += "\n" + String(repeating: "  ", count: depth)
    }

    private mutating func write(string: String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..<"\u{20}":
                let hex = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
