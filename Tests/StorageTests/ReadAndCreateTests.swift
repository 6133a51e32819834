// Reading whole files with a limit, listing folders, and making the output folder.
import Glibc
import Storage
import Testing

@Suite struct ReadFileTests {
    @Test func readsUpToItsLimit() throws {
        let folder = try TemporaryFolder()
        let bytes = (0..<600_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try replaceFile(at: folder.file("a"), with: bytes)
        #expect(try readFile(at: folder.file("a"), atMost: bytes.count) == bytes)
        let error = try #require(throws: FileError.self) {
            try readFile(at: folder.file("a"), atMost: bytes.count - 1)
        }
        #expect(error.code == EFBIG)
    }

    /// /dev/zero announces no size and never ends: the limit must hold while reading, too.
    @Test func limitHoldsForWhatAnnouncesNoSize() throws {
        let error = try #require(throws: FileError.self) { try readFile(at: "/dev/zero", atMost: 1_000_000) }
        #expect(error.code == EFBIG)
        #expect(try readFile(at: "/proc/self/status").count > 100)
    }

    @Test func missingFilesAndFoldersAreErrors() throws {
        let folder = try TemporaryFolder()
        let missing = try #require(throws: FileError.self) { try readFile(at: folder.file("no")) }
        #expect(missing == FileError(path: folder.file("no"), operation: .open, code: ENOENT))
        let notAFile = try #require(throws: FileError.self) { try readFile(at: folder.path) }
        #expect(notAFile == FileError(path: folder.path, operation: .read, code: EISDIR))
    }

    @Test func listsNames() throws {
        let folder = try TemporaryFolder()
        #expect(namesInFolder(folder.path).isEmpty)
        for name in ["b", "a", ".c"] { try replaceFile(at: folder.file(name), with: []) }
        #expect(namesInFolder(folder.path) == [".c", "a", "b"])
        #expect(namesInFolder(folder.file("no")).isEmpty)
        #expect(try readNames(inFolder: folder.path) == [".c", "a", "b"])
        let missing = FileError(path: folder.file("no"), operation: .open, code: ENOENT)
        #expect(throws: missing) { try readNames(inFolder: folder.file("no")) }
        // It can be opened, and no entry read.
        #expect(throws: FileError.self) { try readNames(inFolder: folder.file("a")) }
    }
}

@Suite struct CreateFolderTests {
    @Test(arguments: ["a", "a/b/c", "a//b/", "./a"]) func makesAllFoldersOnTheWay(name: String) throws {
        let folder = try TemporaryFolder()
        for _ in 1...2 { try createFolder(at: folder.file(name)) }
        try replaceFile(at: folder.file(name) + "/file", with: [1])
        #expect(namesInFolder(folder.file(name)) == ["file"])
    }

    @Test func aFileInTheWayIsAnError() throws {
        let folder = try TemporaryFolder()
        try replaceFile(at: folder.file("a"), with: [])
        for path in [folder.file("a"), folder.file("a/b")] {
            let error = try #require(throws: FileError.self) { try createFolder(at: path) }
            #expect(error == FileError(path: folder.file("a"), operation: .createOutputFolder, code: ENOTDIR))
            #expect("\(error)".hasPrefix("cannot create output folder \(folder.file("a")): "))
        }
    }

    /// /proc is there, but not even root can create a file in it.
    @Test func aFolderThatCannotBeWrittenIsAnError() throws {
        let error = try #require(throws: FileError.self) { try createFolder(at: "/proc") }
        #expect(error.operation == .writeInOutputFolder)
        #expect("\(error)".hasPrefix("cannot create output in /proc/"))
    }
}
