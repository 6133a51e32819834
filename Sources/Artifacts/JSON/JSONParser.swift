// Strict reader of JSON (RFC 8259): refuses duplicate keys, trailing text, bad UTF-8 and deep nesting, and names the byte
// where it stopped. Never crashes and never allocates more than in proportion to its input. Not a streaming parser.

/// Why bytes are not the JSON we accept, and where.
package struct JSONError: Error, Equatable, CustomStringConvertible {
    /// Index of the offending byte in the array that was parsed.
    package let offset: Int
    package let reason: String

    package var description: String { "not valid JSON at byte \(offset): \(reason)" }
}

extension JSONValue {
    /// Parses `bytes[range]` (all of `bytes` by default); error offsets count from the start of `bytes`.
    package init(parsing bytes: [UInt8], in range: Range<Int>? = nil) throws(JSONError) {
        let range = range ?? bytes.indices
        precondition(bytes.indices.contains(range), "range \(range) outside of \(bytes.count) bytes")
        var parser = JSONParser(bytes: bytes, position: range.lowerBound, end: range.upperBound)
        self = try parser.document()
    }
}

extension Range<Int> {
    fileprivate func contains(_ other: Range<Int>) -> Bool {
        lowerBound <= other.lowerBound && other.upperBound <= upperBound
    }
}

private struct JSONParser {
    /// No file of ours nests deeper than four; a limit keeps hostile input from exhausting the stack.
    static let maximumDepth = 64

    let bytes: [UInt8]
    var position: Int
    let end: Int

    mutating func document() throws(JSONError) -> JSONValue {
        let value = try self.value(depth: 0)
        skipSpace()
        guard position == end else { throw error("text after the end of the value") }
        return value
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        guard depth < Self.maximumDepth else { throw error("nested deeper than \(Self.maximumDepth) levels") }
        skipSpace()
        switch peek {
        case UInt8(ascii: "{"): return .object(try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try keyword("true", .bool(true))
        case UInt8(ascii: "f"): return try keyword("false", .bool(false))
        case UInt8(ascii: "n"): return try keyword("null", .null)
        case let byte? where byte == UInt8(ascii: "-") || isDigit: return try number()
        case nil: throw error("the text ends where a value should begin")
        default: throw error("expected a value")
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> [JSONValue.Member] {
        position += 1
        var members: [JSONValue.Member] = []
        var keys: Set<String> = []
        skipSpace()
        if take("}") { return members }
        while true {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw error("expected a key in double quotes") }
            let start = position
            let key = try string()
            guard keys.insert(key).inserted else { throw JSONError(offset: start, reason: "duplicate key \"\(key)\"") }
            skipSpace()
            guard take(":") else { throw error("expected ':' after a key") }
            members.append(.init(key, try value(depth: depth + 1)))
            skipSpace()
            if take("}") { return members }
            guard take(",") else { throw error("expected ',' or '}'") }
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> [JSONValue] {
        position += 1
        var elements: [JSONValue] = []
        skipSpace()
        if take("]") { return elements }
        while true {
            elements.append(try value(depth: depth + 1))
            skipSpace()
            if take("]") { return elements }
            guard take(",") else { throw error("expected ',' or ']'") }
        }
    }

    private mutating func keyword(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        for byte in UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount) {
            guard peek == byte else { throw error("expected \(word)") }
            position += 1
        }
        return value
    }

    /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
    private mutating func number() throws(JSONError) -> JSONValue {
        let start = position
        let isNegative = take("-")
        if !take("0") { try digits() } else if isDigit { throw error("a number may not begin with 0") }
        var isIntegral = true
        if take(".") {
            isIntegral = false
            try digits()
        }
        if take("e") || take("E") {
            isIntegral = false
            _ = take("+") || take("-")
            try digits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isIntegral, let integer = Int(text), !(isNegative && integer == 0) { return .integer(integer) }
        guard let number = Double(text), number.isFinite else {
            throw JSONError(offset: start, reason: "a number too large for 64 bits")
        }
        return .number(number)
    }

    private mutating func digits() throws(JSONError) {
        guard isDigit else { throw error("expected a digit") }
        while isDigit { position += 1 }
    }

    private mutating func string() throws(JSONError) -> String {
        let start = position
        position += 1
        var units: [UInt8] = []
        while let byte = peek {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: units, as: UTF8.self) else {
                    throw JSONError(offset: start, reason: "a string that is not UTF-8")
                }
                return text
            case UInt8(ascii: "\\"): units.append(contentsOf: String(try escape()).utf8)
            case 0..<0x20: throw JSONError(offset: position - 1, reason: "a control character inside a string")
            default: units.append(byte)
            }
        }
        throw JSONError(offset: start, reason: "a string without an end")
    }

    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        let byte = peek
        position += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw JSONError(offset: position - 1, reason: "an unknown escape")
        }
    }

    /// The part after `\u`, including the second half of a surrogate pair.
    private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let start = position
        let high = try fourHexDigits()
        if let scalar = Unicode.Scalar(high) { return scalar }
        if (0xD800..<0xDC00).contains(high), take("\\"), take("u") {
            let low = try fourHexDigits()
            if (0xDC00..<0xE000).contains(low),
                let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
            {
                return scalar
            }
        }
        throw JSONError(offset: start, reason: "half of a surrogate pair")
    }

    private mutating func fourHexDigits() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = peek.flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }) else {
                throw error("expected four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    // MARK: One byte

    private var peek: UInt8? { position < end ? bytes[position] : nil }
    private var isDigit: Bool { peek.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: scalar) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private func error(_ reason: String) -> JSONError { JSONError(offset: position, reason: reason) }
}
