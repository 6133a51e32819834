// Files as memory.
import Glibc
import Storage
import Testing

@Suite struct MappedFileTests {
    @Test func theBytesAreThoseOfTheFile() throws {
        let folder = try TemporaryFolder()
        for count in [0, 1, 4096, 100_001] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 13) }
            try replaceFile(at: folder.file("a"), with: bytes)
            let file = try MappedFile(path: folder.file("a"))
            // A replaced file does not change what is mapped.
            try replaceFile(at: folder.file("a"), with: [1, 2, 3])
            #expect(file.bytes.elementsEqual(bytes))
            if let start = file.bytes.baseAddress { #expect(UInt(bitPattern: start) % 64 == 0) }
        }
    }

    @Test func whatCannotBeMappedIsAnError() throws {
        let folder = try TemporaryFolder()
        for (path, code) in [(folder.file("no"), ENOENT), (folder.path, EISDIR), ("/dev/zero", EINVAL)] {
            let error = try #require(throws: FileError.self) { try MappedFile(path: path) }
            #expect(error.code == code, "\(path)")
        }
    }
}
