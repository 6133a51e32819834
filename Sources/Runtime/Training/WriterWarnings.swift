// What a person reads about writing in the background: nothing while all is well, a warning for every failure, and a line when it is
// over. Words only.
internal import Storage

/// Turns news of the writer into lines.
package struct WriterWarnings {
    /// The step of the newest checkpoint that is on the disk.
    package private(set) var savedStep: Int?
    private var isFailing = false

    package init(savedStep: Int?) { self.savedStep = savedStep }

    /// The run went back, and this is the newest checkpoint now; what was saved later is gone.
    package mutating func goneBack(to step: Int?) { savedStep = step }

    /// The line to show; nil: all is well, as before.
    package mutating func line(for news: WriterNews) -> String? {
        switch news {
        case .saved(let step):
            savedStep = step
            guard isFailing else { return nil }
            isFailing = false
            return "checkpoints can be written again: this one is of step \(step)"
        case .notSaved(let step, let error):
            isFailing = true
            let kept = savedStep.map { "the checkpoint of step \($0) is intact" } ?? "there is no checkpoint yet"
            return "WARNING: no checkpoint of step \(step): \(error) Training goes on; \(kept)"
        case .losingLines(let count, let error):
            return "WARNING: metrics.jsonl has lost \(lines(count)): \(error) Training goes on"
        case .writingLinesAgain(let lost):
            return "metrics.jsonl can be written again, without \(lines(lost)) that it has lost"
        case .linesNotSynced(let error):
            return "WARNING: the last lines of metrics.jsonl may not outlive a power cut: \(error) Training goes on"
        }
    }

    private func lines(_ count: Int) -> String { count == 1 ? "1 line" : "\(count) lines" }
}
