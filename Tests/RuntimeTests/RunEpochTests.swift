// The number of a coordinator's start: it grows, and one that cannot be read is not guessed. And the limits a start looks at.
import Coordination
import Foundation
import Messaging
import Runtime
import Storage
import Testing

@Suite struct RunEpochTests {
    private let fixture: TrainingFixture

    init() throws { fixture = try TrainingFixture() }

    private var path: String { "\(fixture.configuration.output)/.siamese-contrastive-FashionMNIST-epoch" }

    private func start(isNew: Bool = false) throws -> (epoch: RunEpoch, note: String?) {
        try RunFolder(fixture.configuration).beginEpoch(isNew: isNew)
    }

    @Test func everyStartHasTheNextNumber() throws {
        let first = try start(isNew: true)
        #expect(first.epoch.epoch == 1 && first.epoch.job != 0 && first.note == nil)
        for number in 2...5 as ClosedRange<UInt64> {
            let next = try start()
            #expect(next.epoch == RunEpoch(job: first.epoch.job, epoch: number) && next.note == nil)
            #expect(next.epoch.run == RunID(high: first.epoch.job, low: number << 20))
        }
        let anew = try start(isNew: true)
        #expect(anew.epoch.epoch == 1 && anew.epoch.job != first.epoch.job)
    }

    @Test func aMissingOneIsANewJobWithANote() throws {
        let new = try start()
        #expect(new.epoch.epoch == 1)
        #expect(new.note?.contains("missing") == true)
    }

    /// Every flipped bit and every lost byte is seen.
    @Test func aDamagedOneIsANewJobWithANote() throws {
        _ = try start(isNew: true)
        let whole = try readFile(at: path)
        for index in whole.indices {
            var flipped = whole
            flipped[index] ^= 1 << UInt8(index % 8)
            #expect(RunEpoch(decoding: flipped) == nil, "byte \(index)")
            #expect(RunEpoch(decoding: Array(whole[..<index])) == nil, "\(index) bytes")
        }
        #expect(RunEpoch(decoding: whole) != nil)
        try replaceFile(at: path, with: Array(whole.dropLast(3)))
        let new = try start()
        #expect(new.epoch.epoch == 1 && new.epoch.job != RunEpoch(decoding: whole)?.job)
        #expect(new.note?.contains("damaged") == true)
    }
}

@Suite struct OpenFilesTests {
    @Test func aLowLimitIsRaisedOrRefused() {
        #expect(OpenFilesRemedy.forNeed(100, soft: 100, hard: 100) == .none)
        #expect(OpenFilesRemedy.forNeed(101, soft: 100, hard: 4096) == .raise(to: 101))
        #expect(OpenFilesRemedy.forNeed(5000, soft: 100, hard: 4096) == .refuse(hardLimit: 4096))
    }

    @Test func everyWorkerCounts() throws {
        let listen = Endpoint.tcp(host: "127.0.0.1", port: 5555)
        #expect(
            Workforce.remote(
                RemoteWorkforce(listen: listen, wanted: 1000, keys: nil, announcement: Announcement())
            ).openFiles >= 2000)
        #expect(Workforce.local(100).openFiles >= 300)
        #expect(Workforce.inProcess.openFiles < 256)
    }
}
