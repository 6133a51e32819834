// The program under a service manager: it says when it is ready, that it is alive, and why it ends. systemd's part is played by a
// socket of the test.
import Foundation
import Glibc
import TestKit
import Testing

/// A program, and what it tells its service manager.
final class Notified {
    let program: Program
    private let manager: NotificationSocket
    private(set) var heard: [String] = []

    /// - Parameter watchdog: milliseconds after which the manager takes a silent program for hung; nil: it does not care
    init(_ arguments: [String], in workspace: Workspace, watchdog: Int? = nil) throws {
        manager = try NotificationSocket("\(workspace.path)/notify-\(UUID().uuidString.prefix(4))")
        var environment = ["NOTIFY_SOCKET": manager.name]
        environment["WATCHDOG_USEC"] = watchdog.map { "\($0 * 1000)" }
        program = try Program(arguments, in: workspace, environment: environment)
    }

    /// Takes in what comes, each message within the time; true as soon as a line has this beginning.
    @discardableResult
    func hears(_ beginning: String, within milliseconds: Int32) -> Bool {
        while let lines = manager.next(within: milliseconds) {
            heard += lines
            if lines.contains(where: { $0.hasPrefix(beginning) }) { return true }
        }
        return false
    }

    func wait(for beginning: String) throws {
        try #require(hears(beginning, within: 20_000), "no '\(beginning)' in \(heard); it said: \(program.errors)")
    }
}

extension EndToEnd {
    @Suite struct Services {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        @Test func theManagerHearsOfAWholeRun() throws {
            let coordinator = try Notified(
                ["coordinator"] + training("triplet", in: workspace, "--listen", "tcp://127.0.0.1:0"), in: workspace,
                watchdog: 1000)
            let listening = try coordinator.program.waitForLine(containing: "listening on ")
            let address = String(try #require(listening.split(separator: " ").dropFirst(2).first).dropLast())
            try coordinator.wait(for: "READY=1")
            try coordinator.wait(for: "STATUS=waiting for 1 worker")
            // With nobody there nothing happens, and yet the loop turns.
            for _ in 0..<3 { try coordinator.wait(for: "WATCHDOG=1") }
            let worker = try Notified(["worker", "--connect", address], in: workspace, watchdog: 200)
            try worker.wait(for: "READY=1")
            try worker.wait(for: "STATUS=computing for \(address)")
            // Heard at once: the kernel keeps no more than ten messages for a manager that does not listen.
            try coordinator.wait(for: "STOPPING=1")
            try worker.wait(for: "STOPPING=1")
            #expect(try coordinator.program.waitForEnd().modelDigest() == reference("triplet", steps: 60).model)
            #expect(try worker.program.waitForEnd().code == 0)
            #expect(coordinator.heard.contains { $0.hasPrefix("STATUS=epoch ") }, "\(coordinator.heard)")
            #expect(coordinator.heard.filter { $0 == "READY=1" }.count == 1)
            #expect(coordinator.heard.last == "STATUS=done")
        }

        @Test(arguments: ["coordinator", "worker"])
        func aProgramThatHangsFallsSilent(role: String) throws {
            let arguments =
                role == "coordinator"
                ? training("triplet", in: workspace, "--listen", "tcp://127.0.0.1:0")
                : ["--connect", "tcp://127.0.0.1:9", "--patience", "0"]
            let service = try Notified([role] + arguments, in: workspace, watchdog: 100)
            try service.wait(for: "WATCHDOG=1")
            service.program.send(SIGSTOP)
            while service.hears("WATCHDOG=1", within: 0) {}
            #expect(!service.hears("WATCHDOG=1", within: 500))
            service.program.send(SIGCONT)
            try service.wait(for: "WATCHDOG=1")
            service.program.send(SIGKILL)
            _ = try service.program.waitForEnd()
        }

        @Test func theManagerIsToldWhyARunEnds() throws {
            let arguments = training("triplet", in: workspace, "--listen", "tcp://127.0.0.1:0")
            let stopped = try Notified(["coordinator"] + arguments, in: workspace)
            try stopped.wait(for: "STATUS=waiting for 1 worker")
            stopped.program.send(SIGTERM)
            try stopped.wait(for: "STOPPING=1")
            #expect(stopped.heard.last?.hasPrefix("STATUS=stopped after step 0 of 60") == true, "\(stopped.heard)")
            #expect(try stopped.program.waitForEnd().code == 143)
            let failed = try Notified(["coordinator"] + arguments + ["--data", "/nowhere"], in: workspace)
            try failed.wait(for: "STOPPING=1")
            #expect(failed.heard.last?.contains("/nowhere") == true, "\(failed.heard)")
            #expect(!failed.heard.contains("READY=1"), "it never was")
            _ = try failed.program.waitForEnd()
        }

        @Test func workersOfTheSameMachineDoNotSpeakForTheRun() throws {
            let run = try Notified(
                ["train"] + training("triplet", in: workspace, "--workers", "2"), in: workspace, watchdog: 200)
            try run.wait(for: "STOPPING=1")
            #expect(try run.program.waitForEnd().modelDigest() == reference("triplet", steps: 60).model)
            #expect(run.heard.filter { $0 == "READY=1" }.count == 1, "\(run.heard)")
            #expect(!run.heard.contains { $0.hasPrefix("STATUS=computing") }, "\(run.heard)")
        }
    }
}
