// Reading a whole file into memory, with a limit.
import Glibc

/// All bytes of the file.
///
/// - Parameter limit: the most bytes to read; a larger file is an error (`EFBIG`) before anything is allocated for it.
package func readFile(at path: String, atMost limit: Int = .max) throws(FileError) -> [UInt8] {
    try FileDescriptor(path: path, flags: O_RDONLY).readAll(atMost: limit)
}

extension FileDescriptor {
    /// From here to the end; more than `limit` bytes are an error (`EFBIG`).
    borrowing func readAll(atMost limit: Int) throws(FileError) -> [UInt8] {
        let announced = try size()
        guard announced <= limit else { throw FileError(path: path, operation: .read, code: EFBIG) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(announced)
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { chunk.deallocate() }
        // To the end, not to the announced size: a pipe announces nothing, and a file may grow.
        while case let count = try read(into: chunk), count > 0 {
            guard count <= limit - bytes.count else { throw FileError(path: path, operation: .read, code: EFBIG) }
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[..<count]))
        }
        return bytes
    }
}

/// Whether there is something at `path` that can be read.
package func isReadable(_ path: String) -> Bool {
    access(path, R_OK) == 0
}

/// Length in bytes; nil when there is no such file.
package func sizeOfFile(at path: String) -> Int? {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : nil
}

/// Removes the file if it is there.
package func removeFile(at path: String) {
    unlink(path)
}

/// The names in the folder, sorted; empty when it is missing or cannot be read. Where that makes a difference, `readNames(inFolder:)`.
package func namesInFolder(_ path: String) -> [String] { (try? readNames(inFolder: path)) ?? [] }

/// The names in the folder, sorted: all of them, or an error.
package func readNames(inFolder path: String) throws(FileError) -> [String] {
    guard let stream = opendir(path) else { throw FileError(path: path, operation: .open, code: errno) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = try nextEntry(of: stream, path) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
            field.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: field.pointee)) {
                String(cString: $0)
            }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}

/// Nil at the end, which readdir(3) tells from an error by `errno` alone.
private func nextEntry(of stream: OpaquePointer, _ path: String) throws(FileError) -> UnsafeMutablePointer<dirent>? {
    errno = 0
    if let entry = readdir(stream) { return entry }
    let code = errno
    guard code == 0 else { throw FileError(path: path, operation: .read, code: code) }
    return nil
}
