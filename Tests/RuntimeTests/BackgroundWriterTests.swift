// The writer on a disk that fails: everything is news, nothing is an end, and what could be written is whole.
import Coordination
import Foundation
import Glibc
import Runtime
import Storage
import TestKit
import Testing

@Suite struct BackgroundWriterTests {
    private let fixture: TrainingFixture
    private let state: TrainingState

    init() throws {
        fixture = try TrainingFixture()
        state = TrainingState(fixture.configuration)
    }

    private func writer(on disk: SimulatedDisk, metrics: String) -> BackgroundWriter {
        BackgroundWriter(
            CheckpointStore(newest: "run/a", previous: "run/b", on: disk), fixture.codec, metricsPath: metrics)
    }

    /// The news after everything is done.
    private func news(_ writer: BackgroundWriter) -> [WriterNews] {
        writer.finish()
        return writer.news()
    }

    @Test func aFullDiskIsNewsUntilThereIsRoom() throws {
        let disk = SimulatedDisk(seed: 1)
        let writer = writer(on: disk, metrics: "/dev/null")
        writer.save(state)
        #expect(news(writer) == [.saved(step: 0)])
        disk.resize(to: 1000)
        for _ in 1...2 {
            writer.save(state)
            let told = news(writer)
            guard case .notSaved(step: 0, let error)? = told.first else { throw Unexpected(news: told) }
            #expect(error.code == ENOSPC && told.count == 1)
            #expect(disk.names == ["run/a"])
        }
        disk.resize(to: .max)
        writer.save(state)
        #expect(news(writer) == [.saved(step: 0)])
        #expect(disk.names == ["run/a", "run/b"])
        #expect(!writer.isSaving)
    }

    /// /dev/full takes no byte: lines are lost, checkpoints are not.
    @Test func linesThatCannotBeWrittenAreCounted() throws {
        let disk = SimulatedDisk(seed: 1)
        let writer = writer(on: disk, metrics: "/dev/full")
        try writer.openMetrics(after: 0)
        let full = FileError(path: "/dev/full", operation: .write, code: ENOSPC)
        for _ in 1...3 { writer.append("line") }
        #expect(news(writer) == [.losingLines(1, full)])
        writer.save(state)
        #expect(news(writer) == [.losingLines(3, full), .saved(step: 0)])
    }

    /// A checkpoint speaks of the lines that were handed over before it, not of those after.
    @Test func aCheckpointKnowsItsLines() throws {
        let disk = SimulatedDisk(seed: 1)
        let path = NSTemporaryDirectory() + "siamese-lines-" + UUID().uuidString
        defer { removeFile(at: path) }
        let writer = writer(on: disk, metrics: path)
        try writer.openMetrics(after: 0)
        for line in ["one", "two"] { writer.append(line) }
        writer.save(state)
        writer.append("three")
        writer.finish()
        #expect(try readFile(at: path) == Array("one\ntwo\nthree\n".utf8))
        guard case .whole(let found) = try fixture.codec.look(disk.read("run/a", atMost: 1 << 30), "run/a") else {
            throw Unexpected(news: [])
        }
        #expect(found.record.metricsLength == 8)
    }

    /// Who was found out is known to the checkpoint that is gone back to; where there is no room for that, it is kept, and that is news.
    @Test(arguments: [Int.max, 0]) func goingBackTellsTheCheckpointWhoWasFoundOut(room: Int) throws {
        let disk = SimulatedDisk(seed: 1)
        let writer = writer(on: disk, metrics: "/dev/null")
        writer.save(state)
        #expect(news(writer) == [.saved(step: 0)])
        disk.resize(to: room)
        let ledger = Ledger(unconfirmed: [:], quarantined: ["the broken one"])
        let found = try writer.goBack(before: 3, beginning: state, ledger: ledger)
        #expect(found.state.ledger == ledger && found.savedStep == 0)
        #expect(found.isLedgerSaved == (room > 0) && news(writer).isEmpty == found.isLedgerSaved)
        guard case .whole(let onDisk) = try fixture.codec.look(disk.read("run/a", atMost: 1 << 30), "run/a") else {
            throw Unexpected(news: [])
        }
        #expect(onDisk.ledger.quarantined == (room > 0 ? ledger.quarantined : []))
        #expect(disk.names == ["run/a"])
    }

    @Test func warningsSayWhatIsIntactAndWhenItIsOver() throws {
        let error = FileError(path: "out/a.tmp", operation: .write, code: ENOSPC)
        var warnings = WriterWarnings(savedStep: nil)
        func line(_ news: WriterNews) -> String { warnings.line(for: news) ?? "" }
        let first = line(.notSaved(step: 5, error))
        #expect(first.contains("there is no checkpoint yet"))
        let over = line(.saved(step: 10))
        #expect(over.contains("again") && over.contains("step 10"))
        let silence = line(.saved(step: 20))
        #expect(silence == "")
        for step in [30, 40] {
            let warning = line(.notSaved(step: step, error))
            for word in ["WARNING", "step \(step)", "out/a.tmp", "Make room", "goes on", "step 20 is intact"] {
                #expect(warning.contains(word), "\(warning)")
            }
        }
        #expect(warnings.savedStep == 20)
        let losing = line(.losingLines(1, error))
        #expect(losing.contains("WARNING") && losing.contains("1 line:"))
        let again = line(.writingLinesAgain(lost: 2))
        #expect(again.contains("2 lines"))
    }

    private struct Unexpected: Error { let news: [WriterNews] }
}
