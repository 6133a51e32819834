// A disk that does what file systems are allowed to: until it is told to sync, a crash may keep any part of what was written and
// any of the changed names, in any order. Everything it decides comes from its seed. Knows nothing of what is stored.
package import Storage
import Synchronization

/// A file system in memory with faults at chosen operations.
///
/// What is *seen* is what a running program reads back; what is *durable* is what a crash must leave. Operations are counted from 0;
/// each of `create`, `write`, `sync`, `rename`, `remove` and `syncFolder` is one.
package final class SimulatedDisk: Disk {
    /// What happens at an operation instead of, or beside, its effect.
    package enum Fault: Sendable, Equatable {
        /// The power goes before it is done; a write may have got half-way.
        case crash
        /// It fails with this `errno`. A write may have got half-way, a rename may have happened all the same, and a failed sync
        /// leaves pages that never reach the disk and that the system calls clean from then on, as Linux does.
        case error(Int32)
    }

    fileprivate struct Inode {
        var seen: [UInt8] = []
        var durable: [UInt8] = []
        /// Ranges of `seen` that were written since the last sync, in order.
        var unsynced: [Range<Int>] = []
    }

    /// A change of names that has not reached the disk: the entries it makes and the one it ends.
    fileprivate struct NameChange {
        var folder: String
        var adds: (name: String, inode: Int)?
        var ends: String?
    }

    fileprivate struct State {
        var inodes: [Int: Inode] = [:]
        var seenNames: [String: Int] = [:]
        var durableNames: [String: Int] = [:]
        var journal: [NameChange] = []
        var nextInode = 0
        var operations = 0
        var faults: [Int: Fault]
        var isDown = false
        var capacity: Int
        var random: SplitMix64
    }

    private let state: Mutex<State>
    /// A drive that says it has synced when it has not: to see that the tests would notice.
    private let syncsNothing: Bool

    package init(seed: UInt64, faults: [Int: Fault] = [:], capacity: Int = .max, syncsNothing: Bool = false) {
        state = Mutex(State(faults: faults, capacity: capacity, random: SplitMix64(seed: seed)))
        self.syncsNothing = syncsNothing
    }

    // MARK: What happens to it

    /// Operations so far.
    package var operations: Int { state.withLock { $0.operations } }
    /// It has crashed, and does nothing until `restart`.
    package var isDown: Bool { state.withLock { $0.isDown } }

    /// The same disk after the power has come back: what was durable, and by chance some of the rest.
    package func restart(faults: [Int: Fault] = [:]) {
        state.withLock { state in
            state.loseNames()
            for number in state.inodes.keys.sorted() { state.loseBytes(of: number) }
            state.operations = 0
            state.faults = faults
            state.isDown = false
        }
    }

    /// Flips a bit of the file, where it lies on the disk. No effect if it is empty or missing.
    package func rot(_ path: String) {
        state.withLock { state in
            guard let number = state.seenNames[path], let count = state.inodes[number]?.durable.count, count > 0 else {
                return
            }
            let (index, bit) = (state.random.below(count), UInt8(1) << UInt8(state.random.below(8)))
            state.inodes[number]?.durable[index] ^= bit
            if index < state.inodes[number]?.seen.count ?? 0 { state.inodes[number]?.seen[index] ^= bit }
        }
    }

    /// Room for all files together; less than there are fails every write.
    package func resize(to capacity: Int) { state.withLock { $0.capacity = capacity } }

    package var names: [String] { state.withLock { $0.seenNames.keys.sorted() } }

    // MARK: Disk

    package func create(_ path: String) throws(FileError) -> any OpenFile {
        let number = try operate(path, .open) { state in
            let number = state.nextInode
            state.nextInode += 1
            state.inodes[number] = Inode()
            state.change(adding: (path, number), ending: nil)
            return number
        }
        return OpenInode(number, path, of: self)
    }

    package func rename(_ path: String, to target: String) throws(FileError) {
        try operate(
            path, .rename,
            halfDone: { state in
                if state.random.happens(0.5), let number = state.seenNames[path] {
                    state.change(adding: (target, number), ending: path)
                }
            }
        ) { (state) throws(FileError) in
            guard let number = state.seenNames[path] else { throw FileError(path: path, operation: .rename, code: 2) }
            state.change(adding: (target, number), ending: path)
        }
    }

    package func remove(_ path: String) throws(FileError) {
        try operate(path, .remove) { state in
            if state.seenNames[path] != nil { state.change(adding: nil, ending: path) }
        }
    }

    package func syncFolder(of path: String) throws(FileError) {
        try operate(path, .sync) { state in
            guard !syncsNothing else { return }
            let folder = Storage.folder(of: path)
            for change in state.journal where change.folder == folder { change.apply(to: &state.durableNames) }
            state.journal.removeAll { $0.folder == folder }
        }
    }

    package func read(_ path: String, atMost limit: Int) throws(FileError) -> [UInt8] {
        let bytes = state.withLock { state in state.seenNames[path].flatMap { state.inodes[$0]?.seen } }
        guard let bytes, !isDown else { throw FileError(path: path, operation: .open, code: isDown ? 5 : 2) }
        guard bytes.count <= limit else { throw FileError(path: path, operation: .read, code: 27) }
        return bytes
    }

    package func exists(_ path: String) -> Bool { state.withLock { !$0.isDown && $0.seenNames[path] != nil } }

    // MARK: One operation

    fileprivate func write(_ bytes: UnsafeRawBufferPointer, to number: Int, _ path: String) throws(FileError) {
        let bytes = Array(bytes)
        try operate(
            path, .write,
            halfDone: { state in
                state.append(bytes.prefix(state.random.below(bytes.count + 1)), to: number)
            }
        ) { (state) throws(FileError) in
            let room = state.capacity - state.inodes.values.reduce(0) { $0 + $1.seen.count }
            state.append(bytes.prefix(max(0, room)), to: number)
            guard bytes.count <= room else { throw FileError(path: path, operation: .write, code: 28) }
        }
    }

    fileprivate func sync(_ number: Int, _ path: String) throws(FileError) {
        try operate(
            path, .sync,
            halfDone: { state in
                // Some of the pages are written, the others never will be.
                state.keepSomeBytes(of: number)
            }
        ) { state in
            guard !syncsNothing else { return }
            state.keepBytes(of: number)
        }
    }

    /// Counts the operation, lets its fault happen, or does it.
    private func operate<Result: Sendable>(
        _ path: String, _ operation: FileError.Operation, halfDone: (inout State) -> Void = { _ in },
        _ body: (inout State) throws(FileError) -> Result
    ) throws(FileError) -> Result {
        try state.withLock { (state) throws(FileError) -> Result in
            guard !state.isDown else { throw FileError(path: path, operation: operation, code: 5) }
            defer { state.operations += 1 }
            switch state.faults[state.operations] {
            case nil: return try body(&state)
            case .crash:
                if operation == .write { halfDone(&state) }
                state.isDown = true
                throw FileError(path: path, operation: operation, code: 5)
            case .error(let code):
                halfDone(&state)
                throw FileError(path: path, operation: operation, code: code)
            }
        }
    }
}

// MARK: - What a crash leaves

extension SimulatedDisk.State {
    mutating func append(_ bytes: ArraySlice<UInt8>, to number: Int) {
        guard let end = inodes[number]?.seen.count, !bytes.isEmpty else { return }
        inodes[number]?.seen += bytes
        inodes[number]?.unsynced.append(end..<end + bytes.count)
    }

    mutating func change(adding added: (name: String, inode: Int)?, ending ended: String?) {
        let change = SimulatedDisk.NameChange(folder: folder(of: added?.name ?? ended ?? ""), adds: added, ends: ended)
        change.apply(to: &seenNames)
        journal.append(change)
    }

    mutating func keepBytes(of number: Int) {
        guard var inode = inodes[number] else { return }
        inode.durable = inode.seen
        inode.unsynced = []
        inodes[number] = inode
    }

    /// Each sector of each unsynced write gets to the disk or not; a file that grew without its sectors holds zeros there, or what
    /// those sectors held before.
    mutating func keepSomeBytes(of number: Int) {
        guard var inode = inodes[number] else { return }
        let fate = random.below(4)
        for range in inode.unsynced where fate != 0 {
            for first in stride(from: range.lowerBound, to: range.upperBound, by: 512) {
                let sector = first..<min(first + 512, range.upperBound)
                guard fate == 1 || random.happens(0.5) else { continue }
                if inode.durable.count < sector.upperBound {
                    let filler: UInt8 = fate == 3 ? 0xA5 : 0
                    inode.durable += repeatElement(filler, count: sector.upperBound - inode.durable.count)
                }
                inode.durable.replaceSubrange(sector, with: inode.seen[sector])
            }
        }
        inode.unsynced = []
        inodes[number] = inode
    }

    mutating func loseBytes(of number: Int) {
        keepSomeBytes(of: number)
        if let durable = inodes[number]?.durable { inodes[number]?.seen = durable }
    }

    /// Any subset of the changed names; of a rename, the new name may be there beside the old one.
    mutating func loseNames() {
        let keepsOrder = random.happens(0.5)
        let kept = random.below(journal.count + 1)
        for (index, change) in journal.enumerated() {
            guard keepsOrder ? index < kept : random.happens(0.5) else { continue }
            var change = change
            if change.adds != nil, change.ends != nil, random.happens(0.2) { change.ends = nil }
            change.apply(to: &durableNames)
        }
        journal = []
        seenNames = durableNames
        let named = Set(seenNames.values)
        inodes = inodes.filter { named.contains($0.key) }
    }
}

extension SimulatedDisk.NameChange {
    func apply(to names: inout [String: Int]) {
        if let ends { names[ends] = nil }
        if let adds { names[adds.name] = adds.inode }
    }
}

private final class OpenInode: OpenFile {
    private let number: Int
    private let path: String
    private let disk: SimulatedDisk

    init(_ number: Int, _ path: String, of disk: SimulatedDisk) {
        (self.number, self.path, self.disk) = (number, path, disk)
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) { try disk.write(bytes, to: number, path) }

    func sync() throws(FileError) { try disk.sync(number, path) }
}
