// Safetensors: the same bytes as the reference implementation, and a decoder that refuses whatever the format forbids.

import Artifacts
import Testing

@Suite struct SafetensorsTests {
    private static let content = Safetensors(
        tensors: [
            .init(name: "classifier.bias", shape: [3], floats: [0.5, -1.25, 3e38]),
            .init(name: "classifier.weight", shape: [2, 3], floats: [0, 1, 2, 3, 4, 5]),
            .init(name: "scaling_factor", shape: [], floats: [0.1]),
        ],
        metadata: ["format": "pt"])

    @Test func encodesTheBytesOfTheReferenceImplementation() throws {
        #expect(Self.content.encoded() == (try fixture("floats.safetensors")))
    }

    @Test func decodesEveryElementTypeOfTheReferenceImplementation() throws {
        let file = try Safetensors(decoding: try fixture("mixed.safetensors"), file: "mixed.safetensors")
        #expect(file.metadata == ["größe": "\"quoted\"\n→"])
        #expect(file["doubles"]?.shape == [2, 2])
        #expect(file["doubles"]?.elements() == [1e-300, -0.0, Double.pi, .infinity])
        #expect(file["floats"]?.elements() == [1.5, -2.5] as [Float])
        #expect(file["integers"]?.elements() == [.min, 7] as [Int32])
        #expect(file["bytes"]?.elements() == [0, 127, 255] as [UInt8])
        #expect(file["bytes"]?.elements(as: Float.self) == nil)
        #expect(file["longs"]?.elementType == .i64)
        #expect(file["longs"]?.bytes == [0, 0, 0, 0, 0, 1, 0, 0])
        #expect(file["none"]?.shape == [0, 4])
        #expect(file["absent"] == nil)
    }

    @Test func roundTrips() throws {
        let bytes = Self.content.encoded()
        #expect(try Safetensors(decoding: bytes, file: "x") == Self.content)
        #expect(try Safetensors(decoding: Safetensors(tensors: []).encoded(), file: "x").tensors.isEmpty)
    }

    @Test func bytesDoNotDependOnTheOrderOfMetadata() {
        let keys = (0..<40).map { "key \($0)" }
        let forward = Dictionary(uniqueKeysWithValues: keys.map { ($0, $0) })
        let backward = Dictionary(uniqueKeysWithValues: keys.reversed().map { ($0, $0) })
        #expect(
            Safetensors(tensors: [], metadata: forward).encoded()
                == Safetensors(tensors: [], metadata: backward).encoded())
    }

    // MARK: Refusals

    /// A file with this header and so many bytes of data.
    private static func file(_ header: String, data: Int = 0) -> [UInt8] {
        let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
        return length + Array(header.utf8) + [UInt8](repeating: 0, count: data)
    }

    private static func entry(_ name: String, _ offsets: String, shape: String = "[1]", type: String = "F32") -> String
    {
        #""\#(name)":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}"#
    }

    private func refusal(_ bytes: [UInt8]) -> SafetensorsError? {
        let error = #expect(throws: SafetensorsError.self) { try Safetensors(decoding: bytes, file: "m.safetensors") }
        #expect(error?.description.hasPrefix("m.safetensors, byte \(error?.offset ?? -1): ") == true)
        return error
    }

    @Test func refusesBadLengths() {
        #expect(refusal([1, 2, 3])?.reason == .noHeaderLength(fileSize: 3))
        #expect(refusal([9, 0, 0, 0, 0, 0, 0, 0, 0x7B])?.reason == .headerLength(9, available: 1))
        let all = [UInt8](repeating: 0xFF, count: 16)
        #expect(refusal(all)?.reason == .headerLength(.max, available: 8))
    }

    @Test func refusesBadHeaders() {
        #expect(refusal(Self.file("{\"a\":}"))?.offset == 13)
        #expect(refusal(Self.file("[]"))?.reason == .headerNotObject)
        #expect(refusal(Self.file(#"{"__metadata__":{"a":1}}"#))?.reason == .metadataNotStrings)
        let twice = "{" + Self.entry("a", "[0,4]") + "," + Self.entry("a", "[0,4]") + "}"
        #expect(refusal(Self.file(twice, data: 4))?.reason == .headerNotJSON("duplicate key \"a\""))
    }

    @Test func refusesBadEntries() {
        func reason(_ entry: String, data: Int) -> SafetensorsError.Reason? {
            refusal(Self.file("{" + entry + "}", data: data))?.reason
        }
        #expect(reason(Self.entry("a", "[0,4]", type: "F31"), data: 4) == .unknownElementType(tensor: "a", "F31"))
        #expect(reason(Self.entry("a", "[0,8]"), data: 4) == .outOfBounds(tensor: "a", end: 8, dataSize: 4))
        #expect(
            reason(Self.entry("a", "[4,0]"), data: 4)
                == .malformedEntry(tensor: "a", "data_offsets [4, 0] are not a range"))
        #expect(
            reason(Self.entry("a", "[0,4]", shape: "[2]"), data: 4)
                == .sizeMismatch(tensor: "a", shape: [2], elementType: .f32, bytes: 4))
        let huge = "[4611686018427387904,4]"
        #expect(
            reason(Self.entry("a", "[0,0]", shape: huge), data: 0)
                == .sizeMismatch(tensor: "a", shape: [1 << 62, 4], elementType: .f32, bytes: 0))
        for shape in ["[-1]", "[1.5]", "\"1\"", "[9223372036854775808]"] {
            #expect(reason(Self.entry("a", "[0,4]", shape: shape), data: 4) != nil)
        }
        #expect(reason(#""a":{"dtype":"F32","shape":[1]}"#, data: 4) != nil)
    }

    @Test func refusesGapsOverlapsAndTrailingData() {
        let (a, gap, overlap) = (Self.entry("a", "[0,4]"), Self.entry("b", "[8,12]"), Self.entry("b", "[2,6]"))
        #expect(
            refusal(Self.file("{\(a),\(gap)}", data: 12))?.reason
                == .notContiguous(tensor: "b", begin: 8, expected: 4))
        #expect(
            refusal(Self.file("{\(a),\(overlap)}", data: 6))?.reason
                == .notContiguous(tensor: "b", begin: 2, expected: 4))
        let trailing = Self.file("{\(a)}", data: 7)
        #expect(refusal(trailing)?.reason == .trailingData(count: 3))
        #expect(refusal(trailing)?.offset == trailing.count - 3)
    }

    @Test func refusesEveryTruncation() {
        let bytes = Self.content.encoded()
        for count in 0..<bytes.count {
            #expect(throws: SafetensorsError.self) { try Safetensors(decoding: Array(bytes[..<count]), file: "x") }
        }
    }

    /// Random damage is refused or decodes to something that is valid itself; it never crashes.
    @Test func survivesMutations() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        let original = try fixture("mixed.safetensors")
        for round in 0..<4000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &generator)
                case 1: bytes[place] = UInt8.random(in: UInt8(ascii: "0")...UInt8(ascii: "9"), using: &generator)
                case 2: bytes.remove(at: place)
                default: bytes.insert(bytes[place], at: place)
                }
            }
            guard let decoded = try? Safetensors(decoding: bytes, file: "x") else { continue }
            let again = try? Safetensors(decoding: decoded.encoded(), file: "x")
            #expect(again == decoded, "seed \(seed), round \(round)")
        }
    }
}
