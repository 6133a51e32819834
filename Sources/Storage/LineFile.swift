// A file to which whole lines are appended (metrics.jsonl). It knows nothing of what the lines say.
import Glibc

/// An open file that only grows, by one line at a time.
///
/// A checkpoint stores `byteCount`; a resumed run opens the file with `resumingAt:` that number, so that lines written
/// after the checkpoint do not appear twice.
package struct LineFile: ~Copyable {
    private let file: FileDescriptor
    private let path: String
    /// Length of the file in bytes: all its whole lines.
    package private(set) var byteCount: Int
    /// A line that could be neither written whole nor cut off again is at the end.
    private var endsInHalfLine = false

    /// Opens the file for appending, and creates it if it is missing.
    ///
    /// - Parameter offset: cut the file to this many bytes first (0: start anew); nil keeps all of it. A file that is
    ///   shorter is an error: it is not the one that the checkpoint speaks of.
    package init(path: String, resumingAt offset: Int? = nil) throws(FileError) {
        let file = try FileDescriptor(path: path, flags: O_WRONLY | O_CREAT | O_APPEND)
        let size = try file.size()
        if let offset {
            guard 0...size ~= offset else { throw FileError(path: path, operation: .truncate, code: EINVAL) }
            // Nothing to cut is no call: a device such as /dev/stdout cannot be truncated.
            if offset < size { try file.truncate(to: offset) }
        }
        self.file = file
        self.path = path
        byteCount = offset ?? size
    }

    /// Appends the line and a line feed, handing both to the system together. If that fails half-way, the half line is
    /// cut off again, at the latest before the next one.
    ///
    /// - Precondition: `line` holds no line feed.
    package mutating func append(_ line: String) throws(FileError) {
        var bytes = Array(line.utf8)
        precondition(!bytes.contains(UInt8(ascii: "\n")), "one line at a time, not: \(line)")
        bytes.append(UInt8(ascii: "\n"))
        if endsInHalfLine {
            try file.truncate(to: byteCount)
            endsInHalfLine = false
        }
        do {
            try bytes.withUnsafeBufferPointer { (buffer) throws(FileError) in
                try file.writeAll(UnsafeRawBufferPointer(buffer))
            }
        } catch {
            // The write error is the one to tell.
            if (try? file.size()) != byteCount {
                do { try file.truncate(to: byteCount) } catch { endsInHalfLine = true }
            }
            throw error
        }
        byteCount += bytes.count
    }

    /// Returns once all lines are on the disk; a checkpoint that stores `byteCount` calls this first.
    package func sync() throws(FileError) {
        try file.sync()
    }
}
