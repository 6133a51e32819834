// Atomic replacement: what is at the path before, during and after, and what a failure leaves behind.
import Foundation
import Storage
import Testing

@Suite struct ReplaceFileTests {
    @Test func createsAndReplaces() throws {
        let folder = try TemporaryFolder()
        for bytes in [[1, 2, 3], [], [UInt8](repeating: 7, count: 1_000_000), [9]] {
            try replaceFile(at: folder.file("a"), with: bytes)
            #expect(try readFile(at: folder.file("a")) == bytes)
        }
        #expect(folder.names == ["a"])
    }

    @Test func keepsThePrevious() throws {
        let folder = try TemporaryFolder()
        for generation in 1...3 as ClosedRange<UInt8> {
            try replaceFile(at: folder.file("a"), with: [generation], keepingPrevious: folder.file("a.previous"))
        }
        #expect(try readFile(at: folder.file("a")) == [3])
        #expect(try readFile(at: folder.file("a.previous")) == [2])
        #expect(folder.names == ["a", "a.previous"])
    }

    @Test func aReaderNeverSeesHalfAFile() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("a")
        try replaceFile(at: path, with: [0])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for generation in 1...50 {
                    try replaceFile(at: path, with: [UInt8](repeating: UInt8(generation), count: 4096 * generation))
                }
            }
            group.addTask {
                var last: UInt8 = 0
                while last < 50, !Task.isCancelled {
                    let bytes = try readFile(at: path)
                    try #require(bytes.allSatisfy { $0 == bytes[0] })
                    try #require(bytes[0] == 0 || bytes.count == 4096 * Int(bytes[0]))
                    last = bytes[0]
                }
            }
            for try await _ in group {}
        }
    }

    @Test func aFolderInTheWayIsAnErrorThatLeavesNoTrace() throws {
        let folder = try TemporaryFolder()
        try createFolder(at: folder.file("a/full"))
        let error = try #require(throws: FileError.self) { try replaceFile(at: folder.file("a"), with: [1]) }
        #expect(error.operation == .rename)
        #expect(error.path == folder.file("a"))
        #expect(folder.names == ["a"])
    }

    @Test func aFolderInTheWayOfThePreviousIsFoundBeforeTheFileIsTouched() throws {
        let folder = try TemporaryFolder()
        try replaceFile(at: folder.file("a"), with: [1])
        try createFolder(at: folder.file("b/full"))
        let error = try #require(throws: FileError.self) {
            try replaceFile(at: folder.file("a"), with: [2], keepingPrevious: folder.file("b"))
        }
        #expect(error.operation == .keepPrevious)
        #expect(try readFile(at: folder.file("a")) == [1])
        #expect(folder.names == ["a", "b"])
    }

    @Test func errorsNamePathReasonAndRemedy() throws {
        let folder = try TemporaryFolder()
        let error = try #require(throws: FileError.self) { try replaceFile(at: folder.file("no/a"), with: [1]) }
        let text = "\(error)"
        #expect(error.code == ENOENT)
        // Not the name of the file that was to be moved there.
        #expect(error.path == folder.file("no/a"))
        #expect(text.contains(folder.file("no/a")))
        #expect(text.contains("No such file or directory"))
        #expect(text.contains("Check the path"))
    }
}
