// The built program, run as a user runs it. Every wait has a deadline, after which the program is killed and what it said is shown.
import Foundation
import Glibc
import Messaging
import Runtime
import Testing

/// What a finished command leaves.
struct Outcome {
    let code: Int32
    let output: String
    let errors: String

    var errorLines: [Substring] { errors.split(separator: "\n") }

    /// The digest in the last line of standard output: `model PATH sha256 HEX`.
    func modelDigest() throws -> String {
        try #require(code == 0, "exit code \(code): \(errors)")
        let words = try #require(output.split(separator: "\n").last).split(separator: " ")
        try #require(words.count == 4 && words[0] == "model" && words[2] == "sha256" && words[3].utf8.count == 64)
        return String(words[3])
    }
}

/// One process of the program. It is killed when this is dropped, and so are its workers, by its end.
final class Program {
    private static let patience: UInt64 = 30_000_000_000

    private let child: ChildProcess
    private let outputPath: String
    private var outcome: Outcome?

    /// - Parameters:
    ///   - program: nil: the program that is being tested
    ///   - prelude: commands for the shell that becomes the program
    init(
        _ arguments: [String], in workspace: Workspace, environment: [String: String] = [:], program: String? = nil,
        prelude: String = ""
    ) throws {
        outputPath = "\(workspace.temporary)/.stdout-\(UUID().uuidString)"
        // A ChildProcess has no standard output; `exec` keeps the process id.
        let script =
            prelude.isEmpty
            ? "out=$1; shift; exec \"$@\" > \"$out\"" : "out=$1; shift; exec > \"$out\"; \(prelude)\nexec \"$@\""
        child = try ChildProcess(
            Command(
                program: "/bin/sh",
                arguments: ["-c", script, "sh", outputPath, try program ?? Program.path()] + arguments,
                environment: Program.environment(of: workspace).merging(environment) { $1 }),
            name: arguments.first ?? "siamese")
    }

    var processID: Int32 { child.processIdentifier }
    var errors: String { child.errorOutput }
    /// What it has written to standard output so far.
    private var output: String {
        String(decoding: FileManager.default.contents(atPath: outputPath) ?? Data(), as: UTF8.self)
    }

    /// Waits for a line with `text` on standard error and returns the first one.
    @discardableResult
    func waitForLine(containing text: String) throws -> String {
        func line() -> String? {
            errors.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                .first { $0.contains(text) }.map(String.init)
        }
        try wait("a line with '\(text)'") { line() != nil || child.termination != nil }
        return try #require(line(), "it ended (\(ending)) without a line with '\(text)'. It said:\n\(errors)")
    }

    /// Waits until there is `text` on standard output.
    func waitForOutput(containing text: String) throws {
        try eventually("'\(text)' on standard output") { output.contains(text) }
    }

    /// Waits until the program has ended by itself.
    func waitForEnd() throws -> Outcome {
        if let outcome { return outcome }
        try wait("the program's end") { child.termination != nil }
        let output = output
        try FileManager.default.removeItem(atPath: outputPath)
        let code: Int32
        switch try #require(child.termination) {
        case .exited(let number): code = number
        case .signalled(let signal): code = -signal
        }
        let outcome = Outcome(code: code, output: output, errors: errors)
        self.outcome = outcome
        return outcome
    }

    func send(_ signal: Int32) { kill(processID, signal) }

    /// Process ids of its children at present.
    func children() -> [Int32] { processes().filter { $0.parent == processID }.map(\.id) }

    private var ending: String { child.termination.map { "\($0)" } ?? "still running" }

    private func wait(_ event: String, until condition: () -> Bool) throws {
        let deadline = MonotonicClock.now() + Program.patience
        while true {
            child.poll()
            if condition() { return }
            guard MonotonicClock.now() < deadline else {
                child.kill()
                throw Failure("no sign of \(event) in time. The program said:\n\(errors)")
            }
            let poller = Poller<Int>()
            // Woken by its words and its end; the limit is for a program that has closed its standard error.
            if let descriptor = child.descriptor { poller.watch(descriptor: descriptor, as: 0) }
            let limit = child.descriptor == nil ? MonotonicClock.now() + 5_000_000 : deadline
            _ = try poller.wait(until: limit)
        }
    }

    /// The program beside the tests; both come from the same build.
    private static func path() throws -> String {
        let tests = try currentExecutablePath()
        let path = URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("siamese").path
        guard access(path, X_OK) == 0 else {
            throw Failure("there is no program at \(path): build it with  swift build -c release --build-tests")
        }
        return path
    }

    /// The environment of this process without what would lead the program to files outside of the workspace.
    private static func environment(of workspace: Workspace) -> [String: String] {
        var variables = ProcessInfo.processInfo.environment
        let outside = [
            "SIAMESE_DATA", "SIAMESE_COORDINATOR", "SIAMESE_KEYS", "SIAMESE_KEY", "XDG_CACHE_HOME", "NO_COLOR",
            "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
        ]
        for name in outside { variables[name] = nil }
        variables["HOME"] = "\(workspace.path)/home"
        variables["TMPDIR"] = workspace.temporary
        return variables
    }
}

/// Runs a command from beginning to end.
func run(
    _ arguments: [String], in workspace: Workspace, environment: [String: String] = [:]
) throws -> Outcome {
    try Program(arguments, in: workspace, environment: environment).waitForEnd()
}

struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Waits until the condition holds, looking every few milliseconds: for states that nothing tells of.
func eventually(within seconds: UInt64 = 10, _ what: String, _ condition: () throws -> Bool) throws {
    let deadline = MonotonicClock.now() + seconds * 1_000_000_000
    while try !condition() {
        guard MonotonicClock.now() < deadline else { throw Failure("not within \(seconds) s: \(what)") }
        _ = try Poller<Int>().wait(until: MonotonicClock.now() + 3_000_000)
    }
}

/// A process that runs: neither gone nor a zombie that waits for whoever reaps orphans here.
func isRunning(_ process: Int32) -> Bool { processes().contains { $0.id == process } }

/// All processes of the machine but zombies, from proc(5).
private func processes() -> [(id: Int32, parent: Int32)] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { name in
        guard let id = Int32(name), let stat = FileManager.default.contents(atPath: "/proc/\(name)/stat"),
            let end = stat.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        let fields = String(decoding: stat[(end + 1)...], as: UTF8.self).split(separator: " ")
        guard fields.count > 1, fields[0] != "Z", fields[0] != "X", let parent = Int32(fields[1]) else { return nil }
        return (id, parent)
    }
}
