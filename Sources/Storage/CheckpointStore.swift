// The newest whole checkpoint of a run, whatever happened to its files: two of them, the newest and the one before. Works on bytes;
// what makes a file whole is the caller's to say. Has no thread and no clock, so that a simulator runs it on a disk of its own.

/// Two generations of a file that is too precious for one.
package struct CheckpointStore: Sendable {
    package let newest: String
    package let previous: String
    private let disk: any Disk
    /// The newest was found damaged, or is not to be trusted: it must not take the place of the previous one, which is better.
    private var newestIsUnfit = false

    package init(newest: String, previous: String, on disk: any Disk = PosixDisk()) {
        self.newest = newest
        self.previous = previous
        self.disk = disk
    }

    package var isEmpty: Bool { !disk.exists(newest) && !disk.exists(previous) }

    /// Returns when the bytes are on the disk; the present newest, if it is fit, is the previous one then. A failure leaves at
    /// least one of the files that were whole; calling again writes everything anew.
    package mutating func write(_ bytes: [UInt8]) throws(FileError) {
        try replaceFile(at: newest, with: bytes, keepingPrevious: newestIsUnfit ? nil : previous, on: disk)
        newestIsUnfit = false
    }

    /// What a caller finds in a file.
    package enum Finding<Content> {
        case whole(Content)
        case damaged(reason: String)
    }

    /// A whole checkpoint, and why a newer one was not taken.
    package struct Reading<Content> {
        package let content: Content
        package let path: String
        package let passedOver: String?
    }

    /// The newest whole checkpoint; nil if there is none at all, whole or not.
    ///
    /// - Parameters:
    ///   - limit: of bytes to read; a larger file counts as damaged
    ///   - look: what a file's bytes are. What it throws ends the search: a file that is whole and not for us.
    /// - Throws: `NoWholeCheckpoint` if there are files and none is whole.
    package mutating func read<Content>(
        atMost limit: Int, _ look: (_ bytes: [UInt8], _ path: String) throws -> Finding<Content>
    ) throws -> Reading<Content>? {
        guard !isEmpty else { return nil }
        var reasons: [String] = []
        for path in [newest, previous] {
            guard disk.exists(path) else {
                if path == newest { reasons.append("there is no \(path)") }
                continue
            }
            switch try find(path, atMost: limit, look) {
            case .whole(let content):
                newestIsUnfit = path == previous && disk.exists(newest)
                return Reading(content: content, path: path, passedOver: reasons.first)
            case .damaged(let reason): reasons.append(reason)
            }
        }
        throw NoWholeCheckpoint(reasons: reasons)
    }

    private func find<Content>(
        _ path: String, atMost limit: Int, _ look: ([UInt8], String) throws -> Finding<Content>
    ) throws -> Finding<Content> {
        let bytes: [UInt8]
        do {
            bytes = try disk.read(path, atMost: limit)
        } catch {
            return .damaged(reason: "\(error)")
        }
        return try look(bytes, path)
    }

    /// Puts these bytes in the place of the newest, which is right and says too little; the previous one stays what it is. A
    /// failure leaves both.
    package func amend(with bytes: [UInt8]) throws(FileError) { try replaceFile(at: newest, with: bytes, on: disk) }

    /// Puts these bytes in the place of checkpoints that are whole but wrong: those that are there now are never read again, but
    /// for the previous one if it is spared. In one atomic step, for a reader looks at the newest first. Where the bytes
    /// cannot be written (there may be no room), the wrong ones are removed all the same.
    ///
    /// - Returns: why the bytes could not be written
    @discardableResult
    package mutating func supersede(with bytes: [UInt8], sparingPrevious: Bool) throws(FileError) -> FileError? {
        newestIsUnfit = true
        var failure: FileError?
        do {
            try write(bytes)
        } catch {
            failure = error
            try disk.remove(newest)
        }
        if !sparingPrevious { try disk.remove(previous) }
        try disk.syncFolder(of: newest)
        return failure
    }
}

/// There are checkpoints, and none of them is whole.
package struct NoWholeCheckpoint: Error, CustomStringConvertible {
    /// What is wrong with each, beginning with the newest; each names its file.
    package let reasons: [String]

    package var description: String { reasons.joined(separator: "; ") }
}
