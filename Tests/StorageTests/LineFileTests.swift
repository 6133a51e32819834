// The append-only line file: fresh, appended to, resumed, and on a full disk.
import Glibc
import Storage
import Testing

@Suite struct LineFileTests {
    private func text(_ path: String) throws -> String {
        String(decoding: try readFile(at: path), as: UTF8.self)
    }

    @Test func appendsWholeLines() throws {
        let folder = try TemporaryFolder()
        var file = try LineFile(path: folder.file("m"))
        try file.append("one")
        #expect(file.byteCount == 4)
        try file.append("")
        try file.append("drei ü")
        try file.sync()
        #expect(try text(folder.file("m")) == "one\n\ndrei ü\n")
        #expect(try file.byteCount == readFile(at: folder.file("m")).count)
    }

    @Test func opensAgainForAppending() throws {
        let folder = try TemporaryFolder()
        for line in ["one", "two"] {
            var file = try LineFile(path: folder.file("m"))
            try file.append(line)
        }
        #expect(try text(folder.file("m")) == "one\ntwo\n")
    }

    @Test func resumesWhereTheCheckpointStands() throws {
        let folder = try TemporaryFolder()
        var file = try LineFile(path: folder.file("m"))
        try file.append("kept")
        let checkpoint = file.byteCount
        try file.append("written after the checkpoint")

        var resumed = try LineFile(path: folder.file("m"), resumingAt: checkpoint)
        #expect(resumed.byteCount == checkpoint)
        try resumed.append("again")
        #expect(try text(folder.file("m")) == "kept\nagain\n")

        let anew = try LineFile(path: folder.file("m"), resumingAt: 0)
        #expect(anew.byteCount == 0)
        #expect(try text(folder.file("m")) == "")
    }

    @Test(arguments: [-1, 5]) func refusesAnOffsetOutsideTheFile(offset: Int) throws {
        let folder = try TemporaryFolder()
        try replaceFile(at: folder.file("m"), with: Array("one\n".utf8))
        let error = try #require(throws: FileError.self) {
            _ = try LineFile(path: folder.file("m"), resumingAt: offset)
        }
        #expect(error.operation == .truncate)
        #expect(try text(folder.file("m")) == "one\n")
    }

    @Test func aFullDiskIsATypedError() throws {
        var file = try LineFile(path: "/dev/full")
        do {
            try file.append("line")
            Issue.record("writing to a full disk must fail")
        } catch {
            #expect(error == FileError(path: "/dev/full", operation: .write, code: ENOSPC))
            #expect("\(error)".contains("Make room"))
        }
        #expect(file.byteCount == 0)
    }
}
