// A temporary folder of one test: its dataset, the output of its runs, their TMPDIR. Gone with the test.
import Artifacts
import Foundation
import Testing

/// A folder under /tmp: short enough for the path of a Unix socket.
final class Workspace {
    let path: String

    init() throws {
        path = "/tmp/siamese-test-" + UUID().uuidString.prefix(8)
        for folder in ["data", "tmp", "home"] {
            try FileManager.default.createDirectory(
                atPath: "\(path)/\(folder)", withIntermediateDirectories: true)
        }
        try SyntheticData.files.forEach { try write($0.bytes, to: "data/\($0.name)") }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var data: String { "\(path)/data" }
    var output: String { "\(path)/output" }
    /// The TMPDIR of the runs.
    var temporary: String { "\(path)/tmp" }

    func write(_ bytes: [UInt8], to name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }

    func read(_ name: String) throws -> [UInt8] {
        try Array(Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")))
    }

    /// Gives it the mode of a secret.
    func protect(_ name: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: "\(path)/\(name)")
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }

    /// Every path below the folder with its content, to see what a command changed.
    func snapshot() throws -> [String: Data?] {
        var contents: [String: Data?] = [:]
        for name in try #require(FileManager.default.enumerator(atPath: path)) {
            let name = try #require(name as? String)
            contents[name] = .some(FileManager.default.contents(atPath: "\(path)/\(name)"))
        }
        return contents
    }

    /// The names in the folder `name`, sorted; none if it is not there.
    func names(in name: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(name)")) ?? []).sorted()
    }
}

extension Workspace {
    func report(_ name: String) throws -> JSONValue { try JSONValue(parsing: read(name)) }
}
