// Runs Tests/Fixtures/datasets/serve.py, a local mirror with faults, for as long as the test lives.
import Foundation

final class MirrorServer {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private let port: Int

    /// Serves the files in `folder`.
    init(folder: String) throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Fixtures/datasets/serve.py").standardizedFileURL.path
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", script]
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        var line = ""
        while let byte = try output.fileHandleForReading.read(upToCount: 1), byte != Data("\n".utf8) {
            line += String(decoding: byte, as: UTF8.self)
        }
        guard let port = Int(line) else { throw ServerDidNotStart() }
        self.port = port
    }

    struct ServerDidNotStart: Error {}

    deinit {
        try? input.fileHandleForWriting.close()
        if process.isRunning { process.waitUntilExit() }
    }

    /// A mirror that behaves in this manner (see serve.py).
    func mirror(_ manner: String) -> String { "http://127.0.0.1:\(port)/\(manner)/" }

    /// Ends the server and returns what was asked of it, "MANNER FILE RANGE" each.
    func end() throws -> [String] {
        try input.fileHandleForWriting.close()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        return text.split(separator: "\n").map(String.init)
    }
}
