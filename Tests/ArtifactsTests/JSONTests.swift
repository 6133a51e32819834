// JSON values: bytes are exact, reading is strict, and nothing crashes the parser.

import Artifacts
import Testing

@Suite struct JSONTests {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func compactKeepsTheOrderOfKeys() {
        let value: JSONValue = ["z": 1, "a": [true, nil, -0.5], "m": [:], "e": [], "s": "ä\"\\\n\u{1}"]
        #expect(text(value.compact()) == #"{"z":1,"a":[true,null,-0.5],"m":{},"e":[],"s":"ä\"\\\n\u0001"}"#)
    }

    @Test func prettyIsIndentedByTwo() {
        let value: JSONValue = ["steps": 12, "workers": ["a", "b"], "none": []]
        #expect(
            text(value.pretty()) == """
                {
                  "steps": 12,
                  "workers": [
                    "a",
                    "b"
                  ],
                  "none": []
                }

                """)
    }

    @Test(arguments: [0.1, 1 / 3, .leastNonzeroMagnitude, 1.797e308, 0.069314718, 100, -0.0, 1e21] as [Double])
    func numbersReadBackAsTheSameBits(_ number: Double) throws {
        let parsed = try JSONValue(parsing: JSONValue.number(number).compact())
        #expect(parsed.number?.bitPattern == number.bitPattern)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity] as [Double])
    func nonFiniteNumbersAreNull(_ number: Double) {
        #expect(text(JSONValue.number(number).compact()) == "null")
    }

    @Test func setReplacesInPlaceAndRemoves() {
        var value: JSONValue = ["a": 1, "b": 2, "c": 3]
        value["b"] = "two"
        value["c"] = JSONValue?.none
        value["d"] = 4
        #expect(value == ["a": 1, "b": "two", "d": 4])
        #expect(value["x"] == nil)
    }

    @Test func readsEscapesAndSurrogates() throws {
        let value = try JSONValue(parsing: Array(#" ["\u00e4\ud83d\ude00\/\b", 12, -3e2, 9223372036854775808] "#.utf8))
        #expect(value == ["ä😀/\u{8}", 12, -300.0, 9223372036854775808.0])
    }

    @Test(
        arguments: [
            ("", 0, "the text ends where a value should begin"), ("{\"a\":1,\"a\":2}", 7, "duplicate key \"a\""),
            ("[1,]", 3, "expected a value"), ("01", 1, "a number may not begin with 0"), ("1.", 2, "expected a digit"),
            ("[1] x", 4, "text after the end of the value"), ("\"abc", 0, "a string without an end"),
            ("\"\\ud83d\"", 3, "half of a surrogate pair"), ("\"\\x\"", 2, "an unknown escape"),
            ("\"\t\"", 1, "a control character inside a string"), ("1e999", 0, "a number too large for 64 bits"),
            ("{a:1}", 1, "expected a key in double quotes"), ("tru", 3, "expected true"),
        ] as [(String, Int, String)])
    func refusesWithPlaceAndReason(_ text: String, _ offset: Int, _ reason: String) {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text.utf8)) }
        #expect(error?.offset == offset)
        #expect(error?.reason == reason)
    }

    @Test func refusesBadUTF8AndDeepNesting() {
        #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0xC3, 0x28, 0x22]) }
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: deep) }
        #expect(error?.reason == "nested deeper than 64 levels")
    }

    @Test func roundTripsWhatItAccepts() {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        let text = Array(#"{"dtype":"F32","shape":[20,-2.5e3],"x":{"\u00e4":[null,true,"\n"]}}"#.utf8)
        for round in 0..<3000 {
            var bytes = text
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(
                    in: 32...127, using: &generator)
            }
            guard let value = try? JSONValue(parsing: bytes) else { continue }
            #expect((try? JSONValue(parsing: value.compact())) == value, "seed \(seed), round \(round)")
            #expect((try? JSONValue(parsing: value.pretty())) == value, "seed \(seed), round \(round)")
        }
    }
}
