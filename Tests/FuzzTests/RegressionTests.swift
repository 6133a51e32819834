// The inputs that once did harm. Each is refused now, and says why.
import FuzzTargets
import Testing

@Suite struct RegressionTests {
    /// libzmq would have bound to /run/a.
    @Test func anAddressEndsWhereItsTextEnds() throws { try refuses("endpoint", Array("ipc:///run/a\0b".utf8)) }

    /// The number wrapped round to zero on the wire: every older coordinator would have outranked this one.
    @Test func anEpochFitsTheWire() throws {
        try refuses(
            "epoch-file", repaired("epoch-file", #"{"job":"1","epoch":"9223372036854775808","check":""}"# + "\n"))
    }

    @Test func aMarginIsANumber() throws {
        let margin = #"{"network":"triplet","architecture":"seed","latent_dims":2,"margin_bits":2143289344}"#
        try refuses("job", Array(margin.utf8))
    }

    /// They were told "not valid JSON at byte 0", without the name of anything.
    @Test func aCheckpointWithoutConfigurationIsRefusedInASentence() throws { try refuses("resume", []) }

    /// The next step, or the next example, trapped.
    @Test func countsOfACheckpointCanBeAddedTo() throws {
        let sample = try #require(target("resume").samples.last)
        try refuses("resume", Array(repeating: 0xff, count: 8) + sample.dropFirst(8))
        let text = String(decoding: sample.dropFirst(11), as: UTF8.self)
        for field in [#""examples":64"#, #""shards":3"#] {
            let parts = text.split(separator: field, maxSplits: 1)
            try #require(parts.count == 2)
            let name = field.prefix { $0 != ":" }
            for value in [Int.max, -1] {
                try refuses("resume", sample.prefix(11) + Array("\(parts[0])\(name):\(value)\(parts[1])".utf8))
            }
        }
    }

    /// The next checkpoint trapped: the frame did not fill its shape, or two had one name.
    @Test func framesOfAnAnimationAreThoseWeWrite() throws {
        let sample = try #require(target("resume").samples.first)
        let threeRowsOfOne: UInt8 = 1 << 3 | 3
        try refuses("resume", sample.prefix(8) + [threeRowsOfOne] + sample.dropFirst(9))
        try refuses("resume", sample.prefix(9) + [2] + Array("+1".utf8) + sample.dropFirst(11))
    }

    private func target(_ name: String) throws -> FuzzTarget {
        try #require(FuzzTarget.all.first { $0.name == name })
    }

    private func repaired(_ name: String, _ text: String) throws -> [UInt8] {
        try target(name).repair(Array(text.utf8))
    }

    private func refuses(_ name: String, _ input: some Sequence<UInt8>) throws {
        let isAccepted = try target(name).run(Array(input)).isAccepted
        #expect(!isAccepted)
    }
}
