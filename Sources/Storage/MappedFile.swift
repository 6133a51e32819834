// A whole file as memory, read by the kernel where it is touched.
import Glibc

/// A file mapped read-only; unmapped with this value. Whoever shortens the file meanwhile makes reading its end a bus error, as
/// mmap(2) says: files that are replaced (`replaceFile`) are safe, files that are overwritten in place are not.
package final class MappedFile {
    /// Begins at a multiple of the page size; empty for an empty file.
    package let bytes: UnsafeRawBufferPointer

    package init(path: String) throws(FileError) {
        let descriptor = retrying { open(path, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw FileError(path: path, operation: .open, code: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError(path: path, operation: .read, code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileError(path: path, operation: .read, code: status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
        }
        let count = Int(status.st_size)
        guard count > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
            throw FileError(path: path, operation: .read, code: errno)
        }
        bytes = UnsafeRawBufferPointer(start: start, count: count)
    }

    deinit {
        if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) }
    }
}
