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

    /// `plot` and `compare` trapped: in the count of active tuples, in the steps between two lines, in the ticks of the plot.
    @Test(arguments: [
        (#""active_fraction":0.5"#, #""active_fraction":1e300"#), (#""active_fraction":0.5"#, #""active_fraction":-1"#),
        (#""step":50"#, #""step":-9223372036854775808"#),
        (#""epoch":1,"split":"train""#, #""epoch":9223372036854775807,"split":"train""#),
        (#""tuples":90"#, #""tuples":-1"#),
    ])
    func aLineOfMetricsHasCounts(old: String, new: String) throws {
        try refuses("finished-run", try changed("finished-run", sample: 0, old, new))
    }

    /// The plot trapped: epochs so far out that a step to either side is none.
    @Test func epochsOfACheckpointAreCounts() throws {
        let far = try changed("finished-run", sample: 2, #""number":2"#, #""number":9223372036854775807"#)
        let text = String(decoding: far, as: UTF8.self)
        let lines = try #require(text.firstRange(of: #","metrics":"#))
        try refuses("finished-run", Array("\(text[..<lines.lowerBound])}".utf8))
    }

    /// Two files were one index.
    @Test func theSpareBytesOfAnIndexAreZero() throws {
        var sample = try #require(target("search-index").samples.last)
        sample[50] = 1
        try refuses("search-index", sample)
        sample[50] = 0
        sample[sample.count - 1] = 1
        try refuses("search-index", try target("search-index").repair(sample))
    }

    /// It was decoded into hundreds of megabytes before it was found to be cut off.
    @Test func aPictureThatCannotBeInItsFileIsRefused() throws {
        var sample = try #require(target("query-image").samples.first)
        // The high bytes of width and height.
        (sample[19], sample[23]) = (0x1F, 0x1F)
        try refuses("query-image", try target("query-image").repair(sample))
    }

    private func changed(_ name: String, sample: Int, _ old: String, _ new: String) throws -> [UInt8] {
        let text = String(decoding: try target(name).samples[sample], as: UTF8.self)
        try #require(text.contains(old))
        return Array(text.replacing(old, with: new, maxReplacements: 1).utf8)
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
