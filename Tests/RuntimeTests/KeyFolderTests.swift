// Key files: made once, read strictly, and every flaw named.
import Foundation
import Glibc
import Messaging
import Runtime
import Testing

/// A folder of keys that goes with the test.
private final class Folder {
    let path = "/tmp/siamese-keys-\(UUID().uuidString.prefix(8))"

    init(names: String...) throws { _ = try makeKeys(in: path, names: names) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }
    func text(_ name: String) throws -> String { try String(contentsOfFile: file(name), encoding: .utf8) }

    /// - Parameter mode: as it will be, whatever the umask
    func write(_ text: String, to name: String, mode: mode_t = 0o600) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: file(name)))
        chmod(file(name), mode)
    }

    func mode(_ name: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: file(name))[.posixPermissions] as? Int)
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: file(name)) }
}

/// What a reader says of `name`.
private func complaint(_ read: () throws(KeyError) -> Void) -> String {
    do { try read() } catch { return "\(error)" }
    return ""
}

@Suite struct KeyFolderTests {
    @Test func whatIsMadeIsRead() throws {
        let folder = try Folder(names: "a", "b.example-1")
        let server = try ServerKeys(readingFrom: folder.path)
        #expect(server.admitted.count == 2)
        for name in ["a", "b.example-1"] {
            let worker = try ClientKeys(readingFrom: folder.file("workers/\(name).key"))
            #expect(worker.server == server.pair.publicKey)
            #expect(server.admitted.name(of: worker.own.publicKey) == name)
            #expect(try folder.text("admitted/\(name).pub").contains("\(worker.own.publicKey)"))
        }
        #expect(try folder.text("coordinator.pub").contains("\(server.pair.publicKey)"))
    }

    @Test func secretsAreForTheirOwnerAlone() throws {
        let before = umask(0)
        defer { umask(before) }
        let folder = try Folder(names: "a")
        let modes = try ["coordinator.key", "workers/a.key", ".", "workers", "admitted"].map(folder.mode)
        #expect(modes == [0o600, 0o600, 0o700, 0o700, 0o700])
        #expect(try !folder.text("admitted/a.pub").contains("secret "))
        #expect(try !folder.text("coordinator.pub").contains("secret "))
    }

    @Test func nothingIsOverwritten() throws {
        let folder = try Folder(names: "a")
        let (coordinator, worker) = try (folder.text("coordinator.key"), folder.text("workers/a.key"))
        for names in [["a"], ["b", "a"]] {
            let failure = #expect(throws: RunFailure.self) { try makeKeys(in: folder.path, names: names) }
            #expect(failure?.code == 73 && failure?.description.contains("workers/a.key is there already") == true)
        }
        #expect(!FileManager.default.fileExists(atPath: folder.file("workers/b.key")))
        let made = try makeKeys(in: folder.path + "/", names: ["b"])
        #expect(!made.isNewCoordinator && made.folder == folder.path)
        #expect(try folder.text("coordinator.key") == coordinator && folder.text("workers/a.key") == worker)
        let server = try ServerKeys(readingFrom: folder.path)
        #expect(try ClientKeys(readingFrom: folder.file("workers/b.key")).server == server.pair.publicKey)
        // A name whose secret has gone to its machine is taken all the same.
        try folder.remove("workers/a.key")
        #expect(throws: RunFailure.self) { try makeKeys(in: folder.path, names: ["a"]) }
    }

    @Test(arguments: ["", ".a", "-a", "a/b", "a b", "ä", String(repeating: "a", count: 65)])
    func badNamesAreRefused(name: String) throws {
        let folder = try Folder(names: "good")
        let failure = #expect(throws: RunFailure.self) { try makeKeys(in: folder.path, names: [name]) }
        #expect(failure?.code == 78 && failure?.description.contains("letters, digits") == true)
    }

    @Test(arguments: [0o640, 0o604, 0o660, 0o620, 0o710] as [mode_t])
    func aSecretThatOthersMayOpenIsRefused(mode: mode_t) throws {
        let folder = try Folder(names: "a")
        chmod(folder.file("workers/a.key"), mode)
        chmod(folder.file("coordinator.key"), mode)
        let worker = complaint { () throws(KeyError) in _ = try ClientKeys(readingFrom: folder.file("workers/a.key")) }
        let server = complaint { () throws(KeyError) in _ = try ServerKeys(readingFrom: folder.path) }
        for text in [worker, server] {
            #expect(text.contains("mode 0\(String(mode, radix: 8))") && text.contains("chmod 600"), "\(text)")
        }
        // A read-only secret is fine.
        chmod(folder.file("workers/a.key"), 0o400)
        _ = try ClientKeys(readingFrom: folder.file("workers/a.key"))
    }

    @Test func everyFlawIsNamed() throws {
        let folder = try Folder(names: "a", "b")
        let good = try folder.text("workers/a.key")
        let other = try folder.text("workers/b.key")
        let lines = good.split(separator: "\n").map(String.init)
        let otherPublic = try #require(other.split(separator: "\n").first { $0.hasPrefix("public") })
        func with(_ line: String, _ replacement: String) -> String {
            lines.map { $0.hasPrefix(line) ? replacement : $0 }.joined(separator: "\n")
        }
        let flaws: [(String, String)] = [
            ("", "is empty"), ("ssh-ed25519 AAAA", "no key file of siamese"), ("\n# only a comment\n", "no key file"),
            (good.replacing("siamese-key 1", with: "siamese-key 2"), "version '2'"),
            (good.replacing("worker-secret", with: "worker-private"), "unknown kind 'worker-private'"),
            (try folder.text("admitted/a.pub"), "is a worker's public key (admitted/NAME.pub), and a worker's key"),
            (try folder.text("coordinator.key"), "is the coordinator's secret key"),
            (with("coordinator", ""), "has no line 'coordinator'"), (with("secret", ""), "has no line 'secret'"),
            (with("coordinator", "coordinator 123"), "line 'coordinator' that is no key"),
            (with("secret", "secret \(String(repeating: "\"", count: 40))"), "line 'secret' that is no key"),
            (with("public", String(otherPublic)), "does not belong to its secret one"),
            (good + "public x\n", "two lines 'public'"), (good + "password x\n", "line that does not belong"),
            (String(good.dropLast(10)), "line 'coordinator' that is no key"),
            (good + String(repeating: "#\n", count: 4096), "larger than allowed"),
        ]
        for (text, words) in flaws {
            try folder.write(text, to: "flawed.key")
            let said = complaint { () throws(KeyError) in _ = try ClientKeys(readingFrom: folder.file("flawed.key")) }
            #expect(said.contains(words) && said.contains("flawed.key"), "\(words): \(said)")
            let secret = try #require(lines.first { $0.hasPrefix("secret") }).dropFirst(7)
            #expect(!said.contains(secret), "the secret is shown: \(said)")
        }
        let missing = complaint { () throws(KeyError) in _ = try ClientKeys(readingFrom: folder.file("none.key")) }
        #expect(missing.contains("does not exist"))
        let isFolder = complaint { () throws(KeyError) in _ = try ClientKeys(readingFrom: folder.path) }
        #expect(isFolder.contains("is not a file"))
    }

    @Test func aFolderWithAFlawOpensNoDoor() throws {
        let folder = try Folder(names: "a", "b")
        func said() -> String { complaint { () throws(KeyError) in _ = try ServerKeys(readingFrom: folder.path) } }
        #expect(said().isEmpty)
        try folder.write("siamese-key 1 worker-public\n", to: "admitted/c.pub")
        #expect(said().contains("c.pub has no line 'public'"))
        try folder.write(folder.text("admitted/a.pub"), to: "admitted/c.pub")
        #expect(said().contains("c.pub holds the same key as a.pub"))
        try folder.write(folder.text("workers/a.key"), to: "admitted/c.pub")
        #expect(said().contains("c.pub is a worker's key"))
        try folder.remove("admitted/c.pub")
        chmod(folder.file("admitted/a.pub"), 0o666)
        #expect(said().contains("chmod o-w"))
        chmod(folder.file("admitted/a.pub"), 0o644)
        chmod(folder.file("admitted"), 0o777)
        #expect(said().contains("chmod o-w"))
        chmod(folder.file("admitted"), 0o755)
        chmod(folder.path, 0o777)
        #expect(said().contains("everybody on this machine may write to \(folder.path),"))
        chmod(folder.path, 0o700)
        try folder.write("", to: "admitted/README")
        #expect(said().isEmpty)
        for name in ["a", "b"] { try folder.remove("admitted/\(name).pub") }
        #expect(said().contains("no worker could come in"))
        try folder.remove("admitted")
        #expect(said().contains("siamese keygen"))
        try folder.remove("coordinator.key")
        #expect(said().contains("coordinator.key") && said().contains("does not exist"))
        #expect(complaint { () throws(KeyError) in _ = try ServerKeys(readingFrom: "/no/such") }.contains("keygen"))
    }

    /// Only root can give files away.
    @Test(.enabled(if: geteuid() == 0), arguments: ["", "coordinator.key", "admitted", "admitted/a.pub"])
    func whatBelongsToAnotherUserIsNotTrusted(name: String) throws {
        let folder = try Folder(names: "a", "b")
        var server = try ServerKeys(readingFrom: folder.path)
        let path = name.isEmpty ? folder.path : folder.file(name)
        try #require(chown(path, 12345, gid_t.max) == 0)
        let said = complaint { () throws(KeyError) in _ = try ServerKeys(readingFrom: folder.path) }
        #expect(said.contains("\(path) belongs to user 12345") && said.contains("chown"), "\(said)")
        // Of a coordinator that runs nobody is cut off.
        _ = try? server.rereadAdmitted()
        #expect(server.admitted.count == 2)
    }

    /// With no descriptor left nothing can be read: that is no empty folder.
    @Test func aFolderThatCannotBeReadRevokesNobody() async {
        await #expect(processExitsWith: .success) {
            let folder = try Folder(names: "a", "b")
            var server = try ServerKeys(readingFrom: folder.path)
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
            let before = limit
            limit.rlim_cur = 0
            setrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
            let said = complaint { () throws(KeyError) in _ = try server.rereadAdmitted() }
            limit = before
            setrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
            try #require(said.contains("Too many open files"), "\(said)")
            try #require(server.admitted.count == 2)
        }
    }

    @Test func rereadingRevokesAdmitsAndForgivesAHalfCopiedFile() throws {
        let folder = try Folder(names: "a", "b", "c")
        var server = try ServerKeys(readingFrom: folder.path)
        func key(_ name: String) throws -> PublicKey {
            try ClientKeys(readingFrom: folder.file("workers/\(name).key")).own.publicKey
        }
        try folder.remove("admitted/a.pub")
        try folder.write("siamese-key 1 worker-pub", to: "admitted/b.pub")
        try folder.write("", to: "admitted/new.pub")
        _ = try makeKeys(in: folder.path, names: ["d"])
        let problems = try server.rereadAdmitted().map { "\($0)" }
        #expect(problems.count == 2 && problems[0].contains("b.pub") && problems[1].contains("new.pub is empty"))
        let names = try ["a", "b", "c", "d"].map { try server.admitted.name(of: key($0)) }
        #expect(names == [nil, "b", "c", "d"] && server.admitted.count == 3)
        // The same name with another key: the old one is out.
        let old = try key("c")
        for file in ["workers/c.key", "admitted/c.pub"] { try folder.remove(file) }
        _ = try makeKeys(in: folder.path, names: ["c"])
        _ = try server.rereadAdmitted()
        #expect(try server.admitted.name(of: old) == nil && server.admitted.name(of: key("c")) == "c")
        // Without the folder nothing changes; an empty one locks everybody out.
        try folder.remove("admitted")
        #expect(throws: KeyError.noFolder(path: folder.file("admitted"))) { try server.rereadAdmitted() }
        #expect(server.admitted.count == 3)
        try FileManager.default.createDirectory(atPath: folder.file("admitted"), withIntermediateDirectories: false)
        #expect(try server.rereadAdmitted().isEmpty && server.admitted.count == 0)
    }
}
