// Children that end well, badly, late, and with their parent. Tests of process-wide things run in a process of their
// own (Swift Testing's exit tests).

import Glibc
import Messaging
import Runtime
import Testing

private let patience: UInt64 = 10_000_000_000

private func shell(_ script: String, environment: [String: String] = ["PATH": "/usr/bin:/bin"]) throws -> ChildProcess {
    let command = Command(program: "/bin/sh", arguments: ["-c", script], environment: environment)
    return try ChildProcess(command, name: "child")
}

/// Waits, as a shell of the runtime does, until the condition holds.
private func wait(for child: ChildProcess, until condition: (ChildProcess) -> Bool) throws {
    let limit = MonotonicClock.now() + patience
    while true {
        child.poll()
        if condition(child) { return }
        try #require(MonotonicClock.now() < limit, "\(child.name) said: \(child.errorOutput)")
        let poller = Poller<Int>()
        if let descriptor = child.descriptor { poller.watch(descriptor: descriptor, as: 0) }
        _ = try poller.wait(until: MonotonicClock.now() + 5_000_000)
    }
}

private func waitForEnd(of child: ChildProcess) throws -> Termination {
    try wait(for: child) { $0.termination != nil }
    return try #require(child.termination)
}

private func isThere(_ process: pid_t) -> Bool {
    kill(process, 0) == 0
}

@Suite struct ChildProcessTests {
    @Test(arguments: [Int32(0), 1, 65, 255])
    func theExitCodeIsTold(code: Int32) throws {
        let child = try shell("exit \(code)")
        #expect(try waitForEnd(of: child) == .exited(code: code))
        #expect(!isThere(child.processIdentifier), "a zombie is still there")
        #expect(child.descriptor == nil)
    }

    @Test(arguments: [SIGKILL, SIGSEGV, SIGTERM])
    func theSignalIsTold(signal: Int32) throws {
        #expect(try waitForEnd(of: shell("kill -\(signal) $$")) == .signalled(signal))
    }

    @Test func theEndOfTheErrorOutputIsKept() throws {
        let child = try shell("i=0; while [ $i -lt 20000 ]; do echo line $i >&2; i=$((i+1)); done; exit 3")
        #expect(try waitForEnd(of: child) == .exited(code: 3))
        let lines = child.errorOutput.split(separator: "\n")
        #expect(lines.last == "line 19999")
        #expect(lines.first?.hasPrefix("line ") == true)
        #expect((10_000...(16 << 10)).contains(child.errorOutput.utf8.count))
    }

    @Test func aShortErrorOutputIsKeptWhole() throws {
        let child = try shell("echo what >&2; printf 'is wrong' >&2; exit 70")
        #expect(try waitForEnd(of: child) == .exited(code: 70))
        #expect(child.errorOutput == "what\nis wrong")
    }

    @Test func theDescriptorWakesAtTheEnd() throws {
        let child = try shell("read line; exit 4")
        let poller = Poller<Int>()
        poller.watch(descriptor: try #require(child.descriptor), as: 1)
        #expect(try poller.wait(until: 0).isEmpty)
        child.requestStop(grace: patience)
        #expect(try poller.wait(until: MonotonicClock.now() + patience) == [1])
        #expect(child.poll() != nil, "one look is enough")
    }

    @Test func askedToStopItSeesTheEndOfItsInput() throws {
        let child = try shell("trap '' TERM; echo ready >&2; cat; exit 7")
        try wait(for: child) { $0.errorOutput == "ready\n" }
        ChildProcess.stop([child], grace: patience)
        #expect(child.termination == .exited(code: 7))
    }

    @Test func askedToStopItGetsSIGTERM() throws {
        let child = try shell("trap 'exit 8' TERM; echo ready >&2; while :; do sleep 0.01; done")
        try wait(for: child) { $0.errorOutput == "ready\n" }
        ChildProcess.stop([child], grace: patience)
        #expect(child.termination == .exited(code: 8))
    }

    @Test func whoDoesNotListenIsKilledAfterTheGrace() throws {
        let children = try (0..<3).map { _ in
            try shell("trap '' TERM; echo ready >&2; while :; do sleep 0.01; done")
        }
        for child in children { try wait(for: child) { $0.errorOutput == "ready\n" } }
        let start = MonotonicClock.now()
        ChildProcess.stop(children, grace: 50_000_000)
        let elapsed = MonotonicClock.now() - start
        #expect(elapsed >= 50_000_000 && elapsed < patience / 2)
        for child in children {
            #expect(child.termination == .signalled(SIGKILL))
            #expect(!isThere(child.processIdentifier))
        }
    }

    @Test func whatItStartedGoesWithIt() throws {
        let child = try shell("sleep 1000 & echo $! >&2; exit 3")
        #expect(try waitForEnd(of: child) == .exited(code: 3))
        let line = try #require(child.errorOutput.split(separator: "\n").first)
        let grandchild = try #require(pid_t(line))
        try wait(for: child) { _ in !isRunning(grandchild) }
    }

    /// Not gone from the process table: who reaps orphans here is not ours to say.
    private func isRunning(_ process: pid_t) -> Bool {
        guard let file = fopen("/proc/\(process)/stat", "r") else { return false }
        defer { fclose(file) }
        var text = [UInt8](repeating: 0, count: 512)
        let count = fread(&text, 1, text.count, file)
        return !String(decoding: text[..<count], as: UTF8.self).contains(") Z ")
    }

    @Test func aDroppedChildIsKilledAndReaped() throws {
        var child: ChildProcess? = try shell("trap '' TERM; while :; do sleep 1; done")
        let process = try #require(child?.processIdentifier)
        #expect(isThere(process))
        child = nil
        #expect(!isThere(process))
    }

    @Test func aMissingProgramIsNamed() {
        let command = Command(program: "/no/such/program", environment: [:])
        let error = #expect(throws: ProcessError.self) { try ChildProcess(command, name: "child") }
        #expect(error?.code == ENOENT)
        #expect(error?.description.contains("/no/such/program") == true)
    }

    @Test func nothingOfOursIsInherited() throws {
        signal(SIGPIPE, SIG_IGN)
        // Not close-on-exec, on purpose.
        let leaky = open("/dev/null", O_RDONLY)
        defer { close(leaky) }
        let child = try shell(
            """
            exec >&2; echo $MARK; read -r a b c d group rest < /proc/$$/stat; echo $group
            while read -r key value; do
                case $key in (SigBlk:|SigIgn:) echo $value;; esac
            done < /proc/$$/status
            ls /proc/$$/fd
            """, environment: ["PATH": "/usr/bin:/bin", "MARK": "x=y z"])
        #expect(try waitForEnd(of: child) == .exited(code: 0))
        let lines = child.errorOutput.split(separator: "\n").map(String.init)
        #expect(lines.prefix(2) == ["x=y z", "\(child.processIdentifier)"])
        #expect(lines.dropFirst(4) == ["0", "1", "2"])
        let sets = lines.dropFirst(2).prefix(2).map { UInt64($0, radix: 16) }
        // posix_spawn ignores glibc's own two signals, 32 and 33, in the child; they are no business of ours.
        #expect(sets.map { $0.map { $0 & ~0x1_8000_0000 } } == [0, 0], "blocked and ignored: \(lines)")
    }

    @Test func aKilledParentLeavesNoChild() async throws {
        let path = "/tmp/siamese-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        defer { unlink(path) }
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            // It ignores every polite request: only the end of its input makes it leave.
            let child = try shell("trap '' TERM INT HUP; echo $$ > \(path); echo ready >&2; cat")
            try wait(for: child) { $0.errorOutput == "ready\n" }
            kill(getpid(), SIGKILL)
        }
        let file = try #require(fopen(path, "r"))
        defer { fclose(file) }
        var text = [UInt8](repeating: 0, count: 32)
        let count = fread(&text, 1, text.count, file)
        let orphan = try #require(pid_t(String(decoding: text[..<count], as: UTF8.self).dropLast()))
        let limit = MonotonicClock.now() + patience
        while isRunning(orphan) {
            try #require(MonotonicClock.now() < limit, "the child outlived its parent")
            _ = try Poller<Int>().wait(until: MonotonicClock.now() + 1_000_000)
        }
    }

    @Test func aHundredChildrenLeakNothing() async {
        await #expect(processExitsWith: .success) {
            let before = openDescriptors()
            for _ in 0..<50 {
                let pair = try [shell("exit 0"), shell("echo bad >&2; cat; exit 1")]
                ChildProcess.stop(pair, grace: patience)
                if pair.contains(where: { $0.termination == nil }) { exit(10) }
            }
            // A code for each way to fail: what is expected in here is not shown out there. Dispatch and Swift Testing
            // open a few descriptors in their own time; a leak would show as a hundred.
            if openDescriptors() - before >= 50 { exit(11) }
            if !(waitpid(-1, nil, WNOHANG) == -1 && errno == ECHILD) { exit(12) }
        }
    }
}

private func openDescriptors() -> Int {
    (0..<1024).count { fcntl($0, F_GETFD) >= 0 }
}
