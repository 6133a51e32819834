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
        let line = MetricsLine(step: 1, epoch: 0, split: .test, loss: 1 / 3, imagesPerSecond: 3)
        #expect(try MetricsLine(decoding: line.encoded()) == line)
        let lost = try MetricsLine(decoding: MetricsLine(step: 1, epoch: 2, split: .train, loss: .infinity).encoded())
        #expect(lost.loss.isNaN)
        #expect(throws: JSONError.self) { try MetricsLine(decoding: Array(#"{"step":1}"#.utf8)) }
        #expect(throws: JSONError.self) { try MetricsLine(decoding: Array(line.encoded().prefix(20))) }
    }
}
