// Signals and parents as things to be polled for. Signals are process-wide, so these tests run in processes of their
// own (Swift Testing's exit tests).

import CLinux
import Glibc
import Messaging
import Runtime
import Testing

private let patience: UInt64 = 10_000_000_000

private func makePipe() throws -> (output: Int32, input: Int32) {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    return (ends[0], ends[1])
}

@Suite struct SignalWatchTests {
    @Test(arguments: StopSignal.allCases.map(\.rawValue))
    func theFirstSignalIsToldAndTheSecondEnds(signal: Int32) async {
        await #expect(processExitsWith: .exitCode(128 + signal)) { [signal = signal as Int32] in
            let watch = try SignalWatch()
            let poller = Poller<Int>()
            poller.watch(descriptor: watch.descriptor, as: 0)
            try #require(poller.wait(until: 0).isEmpty && watch.received == nil)
            kill(getpid(), signal)
            try #require(poller.wait(until: MonotonicClock.now() + patience) == [0])
            try #require(watch.received?.rawValue == signal && watch.received?.exitCode == 128 + signal)
            kill(getpid(), signal)
            _ = try Poller<Int>().wait(until: MonotonicClock.now() + patience)
        }
    }

    @Test func afterTheWatchASignalIsWhatItWas() async {
        await #expect(processExitsWith: .signal(SIGTERM)) {
            for _ in 0..<2 {
                let watch = try SignalWatch()
                try #require(watch.received == nil)
            }
            kill(getpid(), SIGTERM)
            _ = try Poller<Int>().wait(until: MonotonicClock.now() + patience)
        }
    }

    @Test func aBrokenPipeIsAnErrorAndNotAnEnd() async {
        await #expect(processExitsWith: .success) {
            signal(SIGPIPE, SIG_DFL)
            let watch = try SignalWatch()
            let ends = try makePipe()
            close(ends.output)
            try #require(write(ends.input, "x", 1) == -1 && errno == EPIPE)
            try #require(watch.received == nil)
        }
    }
}

@Suite struct ReloadWatchTests {
    @Test func aReloadIsToldAndStopsNothing() async {
        await #expect(processExitsWith: .exitCode(143)) {
            let signals = try SignalWatch()
            let reloads = try ReloadWatch()
            let poller = Poller<Int>()
            poller.watch(descriptor: reloads.descriptor, as: 0)
            poller.watch(descriptor: signals.descriptor, as: 1)
            for _ in 0..<3 {
                try #require(!reloads.takeRequest())
                kill(getpid(), SIGHUP)
                try #require(poller.wait(until: MonotonicClock.now() + patience) == [0])
                try #require(reloads.takeRequest())
            }
            // None of them counts as the first of two signals, and none that comes between two as the second.
            try #require(signals.received == nil)
            kill(getpid(), SIGTERM)
            try #require(poller.wait(until: MonotonicClock.now() + patience) == [1])
            poller.forget(1)
            kill(getpid(), SIGHUP)
            try #require(poller.wait(until: MonotonicClock.now() + patience) == [0])
            try #require(signals.received == .terminate)
            kill(getpid(), SIGTERM)
            _ = try Poller<Int>().wait(until: MonotonicClock.now() + patience)
        }
    }

    @Test func aReloadThatComesBeforeTheWatchIsNotLost() async {
        await #expect(processExitsWith: .success) {
            ReloadWatch.expect()
            try #require(!ReloadWatch().takeRequest())
            // To this thread, and at once: what the whole process is sent reaches another one, and later (Dispatch's block signals).
            var hangup = sigset_t()
            sigemptyset(&hangup)
            sigaddset(&hangup, SIGHUP)
            pthread_sigmask(SIG_UNBLOCK, &hangup, nil)
            for _ in 0..<2 { raise(SIGHUP) }
            let reloads = try ReloadWatch()
            try #require(reloads.takeRequest())
            try #require(!reloads.takeRequest())
        }
    }

    @Test func afterTheWatchAHangupEndsAgain() async {
        await #expect(processExitsWith: .signal(SIGHUP)) {
            signal(SIGHUP, SIG_DFL)
            for _ in 0..<2 { _ = try ReloadWatch() }
            kill(getpid(), SIGHUP)
            _ = try Poller<Int>().wait(until: MonotonicClock.now() + patience)
        }
    }
}

@Suite struct ParentWatchTests {
    @Test func theParentIsThereUntilThePipeEnds() throws {
        let ends = try makePipe()
        let watch = ParentWatch(descriptor: ends.output)
        #expect(!watch.parentHasGone())
        write(ends.input, "noise", 5)
        #expect(!watch.parentHasGone())
        close(ends.input)
        let poller = Poller<Int>()
        poller.watch(descriptor: watch.descriptor, as: 0)
        #expect(try poller.wait(until: MonotonicClock.now() + patience) == [0])
        #expect(watch.parentHasGone())
        close(ends.output)
    }

    @Test func aHungChildEndsWithItsParentAllTheSame() async {
        await #expect(processExitsWith: .exitCode(75)) {
            let ends = try makePipe()
            try ParentWatch(descriptor: ends.output).exitAfterParent(graceMilliseconds: 10, code: 75)
            close(ends.input)
            // Hangs.
            _ = try Poller<Int>().wait(until: MonotonicClock.now() + patience)
        }
    }

    @Test func theExecutableIsFound() throws {
        let path = try currentExecutablePath()
        #expect(path.hasPrefix("/") && access(path, X_OK) == 0)
    }
}
