// Lines of metrics.jsonl, to the byte.

import Artifacts
import Testing

@Suite struct MetricsLineTests {
    private func text(_ line: MetricsLine) -> String { String(decoding: line.encoded(), as: UTF8.self) }

    @Test func hasTheDocumentedForm() throws {
        let line = MetricsLine(step: 50, epoch: 1, split: .train, loss: 0.1, imagesPerSecond: 20480.5)
        #expect(text(line) == #"{"step":50,"epoch":1,"split":"train","loss":0.1,"images_per_second":20480.5}"# + "\n")
        let test = MetricsLine(step: 50, epoch: 1, split: .test, loss: .nan)
        #expect(text(test) == #"{"step":50,"epoch":1,"split":"test","loss":null}"# + "\n")
        let terms = MetricsLine(
            step: 50, epoch: 1, split: .test, loss: 5.5, terms: LossTerms(reconstruction: 4.5, divergence: 0.5))
        #expect(
            text(terms) == #"{"step":50,"epoch":1,"split":"test","loss":5.5,"reconstruction":4.5,"kl":0.5}"# + "\n")
        #expect(try MetricsLine(decoding: terms.encoded()) == terms)
    }

    @Test func readsBack() throws {
        let line = MetricsLine(step: 1, epoch: 0, split: .train, loss: 1 / 3, imagesPerSecond: 3)
        #expect(try MetricsLine(decoding: line.encoded()) == line)
        let lost = try MetricsLine(decoding: MetricsLine(step: 1, epoch: 2, split: .train, loss: .infinity).encoded())
        #expect(lost.loss.isNaN)
        #expect(throws: JSONError.self) { try MetricsLine(decoding: Array(#"{"step":1}"#.utf8)) }
        #expect(throws: JSONError.self) { try MetricsLine(decoding: Array(line.encoded().prefix(20))) }
    }

    @Test func tellsHowTheLatentSpaceFares() throws {
        let health = MetricsHealth(
            tuples: 200, active: 50, positiveDistance: 0.25, negativeDistance: 1.5, norm: 2.5)
        let line = MetricsLine(step: 50, epoch: 1, split: .train, loss: 0.5, health: health, imagesPerSecond: 3)
        #expect(
            text(line)
                == #"{"step":50,"epoch":1,"split":"train","loss":0.5,"tuples":200,"active_fraction":0.25,"#
                + #""positive_distance":0.25,"negative_distance":1.5,"embedding_norm":2.5,"images_per_second":3.0}"#
                + "\n")
        #expect(try MetricsLine(decoding: line.encoded()) == line)
        let some = MetricsLine(
            step: 50, epoch: 1, split: .train, loss: 0.5, health: MetricsHealth(tuples: 3, active: 1, norm: 0))
        #expect(try MetricsLine(decoding: some.encoded()) == some)
    }

    /// The fraction is written, and the count is read back, whatever the rounding of their quotient.
    @Test func everyCountOfActiveTuplesReadsBack() throws {
        for tuples in [1, 3, 7, 49, 4095, 8192 * 8191, 1 << 40] {
            for active in [0, 1, tuples / 3, tuples / 2, tuples - 1, tuples] {
                let line = MetricsLine(
                    step: 1, epoch: 1, split: .train, loss: 1, health: MetricsHealth(tuples: tuples, active: active))
                #expect(try MetricsLine(decoding: line.encoded()) == line, "\(active) of \(tuples)")
            }
        }
    }

    /// What a table is read from has the same columns in every line, whatever a batch has to tell.
    @Test(arguments: [
        MetricsHealth(tuples: 0, active: 0), MetricsHealth(tuples: 3, active: 1),
        MetricsHealth(tuples: 0, active: 0, negativeDistance: 1.5, norm: 2.5),
        MetricsHealth(tuples: 3, active: 3, positiveDistance: .nan, negativeDistance: 2, norm: .infinity),
    ])
    func everyLineOfASplitHasTheSameKeys(health: MetricsHealth) throws {
        func keys(_ line: MetricsLine) throws -> [String]? {
            try JSONValue(parsing: line.encoded()).members?.map(\.key)
        }
        for speed in [nil, 3.0] {
            let line = MetricsLine(
                step: 1, epoch: 1, split: .train, loss: .nan, health: health, imagesPerSecond: speed)
            #expect(
                try keys(line) == [
                    "step", "epoch", "split", "loss", "tuples", "active_fraction", "positive_distance",
                    "negative_distance", "embedding_norm", "images_per_second",
                ])
        }
    }

    /// As earlier versions wrote them.
    @Test func linesWithoutTheKeysAreRead() throws {
        let line = #"{"step":50,"epoch":1,"split":"train","loss":0.0,"tuples":0,"embedding_norm":2.5}"#
        let health = try MetricsLine(decoding: Array(line.utf8)).health
        #expect(health == MetricsHealth(tuples: 0, active: 0, norm: 2.5))
    }

    @Test func aBatchWithoutTuplesHasNoFraction() throws {
        let health = MetricsHealth(tuples: 0, active: 0, negativeDistance: 1.5, norm: 2.5)
        #expect(health.activeFraction == nil)
        let line = MetricsLine(step: 50, epoch: 1, split: .train, loss: 0, health: health)
        #expect(
            text(line)
                == #"{"step":50,"epoch":1,"split":"train","loss":0.0,"tuples":0,"active_fraction":null,"#
                + #""positive_distance":null,"negative_distance":1.5,"embedding_norm":2.5,"images_per_second":null}"#
                + "\n")
        #expect(try MetricsLine(decoding: line.encoded()) == line)
    }

    /// A plot is made of them: none may be negative, or so large that one more is as many.
    @Test(arguments: [
        #""step":-1,"epoch":1"#, #""step":1,"epoch":-1"#, #""step":1,"epoch":9223372036854775807"#,
        #""step":1,"epoch":1,"tuples":-3"#, #""step":1,"epoch":1,"tuples":3,"active_fraction":1.5"#,
        #""step":1,"epoch":1,"tuples":3,"active_fraction":1e300"#,
    ])
    func countsAreCounts(fields: String) {
        #expect(throws: JSONError.self) {
            try MetricsLine(decoding: Array("{\(fields),\"split\":\"train\",\"loss\":1}".utf8))
        }
    }
}
