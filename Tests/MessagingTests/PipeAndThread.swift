// A pipe and a thread for tests that need the real thing.

import Glibc
import Synchronization

final class Pipe {
    let output: Int32
    private var input: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw TimedOut(waitedFor: "a pipe") }
        (output, input) = (ends[0], ends[1])
    }

    deinit {
        close(output)
        closeInput()
    }

    func write(_ byte: UInt8) {
        var byte = byte
        Glibc.write(input, &byte, 1)
    }

    func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    /// Raised by one thread, seen by another.
    final class Flag: Sendable {
        private let value = Atomic<Bool>(false)
        var isRaised: Bool { value.load(ordering: .acquiring) }
        func raise() { value.store(true, ordering: .releasing) }
    }
}

/// A POSIX thread that runs one closure.
final class Thread {
    private final class Body {
        let run: () -> Void
        init(_ run: @escaping () -> Void) { self.run = run }
    }

    private var thread = pthread_t()

    init(_ body: @escaping () -> Void) {
        let context = Unmanaged.passRetained(Body(body)).toOpaque()
        pthread_create(&thread, nil, runBody, context)
    }

    private static func unwrap(_ context: UnsafeMutableRawPointer) -> Body {
        Unmanaged<Body>.fromOpaque(context).takeRetainedValue()
    }

    static func call(_ context: UnsafeMutableRawPointer) { unwrap(context).run() }

    func join() { pthread_join(thread, nil) }
}

private func runBody(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let context { Thread.call(context) }
    return nil
}
