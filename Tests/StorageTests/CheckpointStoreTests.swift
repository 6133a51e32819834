// The promise of the checkpoint store: after a crash at any operation, with any faults before it, there is a whole checkpoint, none
// older than the last that was said to be written. On a simulated disk, at every operation and for many seeds.
import Storage
import TestKit
import Testing

/// One run's checkpoints, each a number and noise under a SHA-256: whole or damaged can be told, as with real ones.
private struct Generations {
    static let (newest, previous) = ("run/checkpoint", "run/checkpoint.previous")

    let disk: SimulatedDisk
    var store: CheckpointStore
    /// The last one whose write has returned, and the last one that was tried.
    var written = 0
    var tried = 0

    init(on disk: SimulatedDisk) {
        self.disk = disk
        store = CheckpointStore(newest: Self.newest, previous: Self.previous, on: disk)
    }

    static func bytes(_ generation: Int) -> [UInt8] {
        var random = SplitMix64(seed: UInt64(generation))
        let content = [UInt8(generation)] + (0..<random.within(0...3000)).map { _ in UInt8(random.below(256)) }
        return SHA256.digest(of: content).bytes + content
    }

    static func look(_ bytes: [UInt8], _ path: String) -> CheckpointStore.Finding<Int> {
        guard bytes.count > 32, SHA256.digest(of: Array(bytes[32...])).bytes == Array(bytes[..<32]) else {
            return .damaged(reason: "\(path): \(bytes.count) bytes with a wrong checksum")
        }
        return .whole(Int(bytes[32]))
    }

    /// Writes the next ones until `last` or a crash; failures on the way are passed over, as training does.
    mutating func write(upTo last: Int) {
        while tried < last, !disk.isDown {
            tried += 1
            guard (try? store.write(Self.bytes(tried))) != nil else { continue }
            written = tried
        }
    }

    /// What a new process reads after a crash.
    mutating func readAfterRestart(faults: [Int: SimulatedDisk.Fault] = [:]) throws -> Int? {
        disk.restart(faults: faults)
        store = CheckpointStore(newest: Self.newest, previous: Self.previous, on: disk)
        return try read()?.content
    }

    mutating func read() throws -> CheckpointStore.Reading<Int>? { try store.read(atMost: 1 << 20, Self.look) }
}

@Suite struct CheckpointStoreTests {
    /// Operations of four checkpoints without faults.
    private static let operations: Int = {
        var generations = Generations(on: SimulatedDisk(seed: 0))
        generations.write(upTo: 4)
        return generations.disk.operations
    }()

    @Test func keepsTwoGenerations() throws {
        var generations = Generations(on: SimulatedDisk(seed: 1))
        #expect(generations.store.isEmpty)
        #expect(try generations.read() == nil)
        generations.write(upTo: 4)
        #expect(Self.operations > 20)
        #expect(generations.disk.names == [Generations.newest, Generations.previous])
        let reading = try #require(try generations.read())
        #expect(reading.content == 4 && reading.path == Generations.newest && reading.passedOver == nil)
        #expect(Generations.look(try generations.disk.read(Generations.previous, atMost: 9999), "").content == 3)
    }

    /// Old or new, never neither, never half: and again when the power goes a second time.
    @Test(arguments: 0..<operations) func survivesACrashAtAnyOperation(at operation: Int) throws {
        for seed in 0..<300 as Range<UInt64> {
            var generations = Generations(on: SimulatedDisk(seed: seed, faults: [operation: .crash]))
            generations.write(upTo: 4)
            try #require(generations.disk.isDown)
            let first = try generations.readAfterRestart(faults: [Int(seed % 17): .crash])
            try #require(generations.written...generations.tried ~= first ?? 0, "crash \(operation), seed \(seed)")
            generations.written = first ?? 0
            generations.tried = max(generations.tried, 10)
            generations.write(upTo: 14)
            let second = try generations.readAfterRestart() ?? 0
            try #require(
                second == generations.written || 11...generations.tried ~= second,
                "crash \(operation), seed \(seed): \(first ?? 0), then \(second)")
        }
    }

    /// Any operation fails, then the power goes at any later one.
    @Test(arguments: 0..<operations) func survivesAnErrorAndThenACrash(at operation: Int) throws {
        for later in 1...16 {
            for seed in 0..<40 as Range<UInt64> {
                let fault = SimulatedDisk.Fault.error([5, 28, 122][Int(seed % 3)])
                let disk = SimulatedDisk(
                    seed: seed &+ UInt64(later) << 32, faults: [operation: fault, operation + later: .crash])
                var generations = Generations(on: disk)
                generations.write(upTo: 6)
                let found = try generations.readAfterRestart() ?? 0
                try #require(
                    generations.written...generations.tried ~= found,
                    "error \(operation), crash \(later) later, seed \(seed): \(found)")
            }
        }
    }

    /// The pages that a failed sync could not write are called clean: only a file written anew can be trusted.
    @Test func aFailedSyncIsNotTriedAgain() throws {
        // Operations of a first checkpoint: remove, create, write, sync, …
        let sync = 2
        for seed in 0..<200 as Range<UInt64> {
            var generations = Generations(on: SimulatedDisk(seed: seed, faults: [sync: .error(5)]))
            generations.write(upTo: 1)
            try #require(generations.written == 0)
            try #require(try generations.read() == nil, "a file whose sync failed was put in place")
            generations.write(upTo: 2)
            try #require(generations.written == 2)
            try #require(try generations.readAfterRestart() == 2, "seed \(seed)")
        }
    }

    @Test func aFullDiskLeavesTheLastOnesAlone() throws {
        let disk = SimulatedDisk(seed: 3)
        var generations = Generations(on: disk)
        generations.write(upTo: 2)
        disk.resize(to: Generations.bytes(1).count + Generations.bytes(2).count + 100)
        generations.write(upTo: 3)
        #expect(generations.written == 2)
        #expect(disk.names == [Generations.newest, Generations.previous])
        #expect(try generations.read()?.content == 2)
        disk.resize(to: .max)
        generations.write(upTo: 4)
        #expect(try generations.readAfterRestart() == 4)
    }

    /// A drive that lies about syncing takes the promise away: the tests above would see it. And even then nothing damaged is taken.
    @Test func aLyingDiskIsFoundOut() throws {
        var broken = 0
        for seed in 0..<300 as Range<UInt64> {
            var generations = Generations(
                on: SimulatedDisk(seed: seed, faults: [Self.operations - 3: .crash], syncsNothing: true))
            generations.write(upTo: 4)
            do {
                let found = try generations.readAfterRestart()
                if found != 3, found != 4 { broken += 1 }
            } catch is NoWholeCheckpoint {
                broken += 1
            }
        }
        #expect(broken > 30)
    }

    @Test func aRottenNewestIsPassedOverAndNotKept() throws {
        for seed in 0..<50 as Range<UInt64> {
            var generations = Generations(on: SimulatedDisk(seed: seed))
            generations.write(upTo: 4)
            generations.disk.rot(Generations.newest)
            let reading = try #require(try generations.read())
            #expect(reading.content == 3 && reading.path == Generations.previous)
            #expect(reading.passedOver?.contains("\(Generations.newest): ") == true)
            generations.write(upTo: 5)
            // The damaged one has not taken the place of the one that was taken for it.
            generations.disk.rot(Generations.newest)
            #expect(try generations.read()?.content == 3)
        }
    }

    @Test func twoRottenOnesAreRefused() throws {
        var generations = Generations(on: SimulatedDisk(seed: 5))
        generations.write(upTo: 4)
        for path in [Generations.newest, Generations.previous] { generations.disk.rot(path) }
        let error = #expect(throws: NoWholeCheckpoint.self) { try generations.read() }
        #expect(error?.reasons.count == 2)
        #expect("\(error as Any)".contains(Generations.previous))
    }

    /// Wrong ones are never read again, also if the power goes on the way, or there is no room for the right one.
    @Test(arguments: [true, false], [Int.max, 0]) func supersedes(sparesPrevious: Bool, room: Int) throws {
        for operation in 0..<12 {
            for seed in 0..<100 as Range<UInt64> {
                let disk = SimulatedDisk(seed: seed)
                var generations = Generations(on: disk)
                generations.write(upTo: 4)
                disk.resize(to: room)
                // Where the power goes, all may be as before: nobody had said yet that they are wrong.
                var allowed = sparesPrevious ? [9, 3] : [9, 0]
                if operation < 11 {
                    _ = try generations.readAfterRestart(faults: [operation: .crash])
                    allowed += [4, 3]
                }
                let isDone =
                    (try? generations.store.supersede(
                        with: Generations.bytes(9), sparingPrevious: sparesPrevious)) != nil
                let found = try generations.readAfterRestart() ?? 0
                if isDone, room > 0 { try #require(found == 9) }
                if isDone { try #require(found == 9 || found == (sparesPrevious ? 3 : 0)) }
                try #require(allowed.contains(found), "crash \(operation), seed \(seed): \(found)")
            }
        }
    }
}

extension CheckpointStore.Finding {
    fileprivate var content: Content? { if case .whole(let content) = self { content } else { nil } }
}
