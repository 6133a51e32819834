// How a process ended.

internal import Glibc

package enum Termination: Equatable, Sendable, CustomStringConvertible {
    case exited(code: Int32)
    case signalled(Int32)

    /// - Parameter waitStatus: as `waitpid` gives it, of a process that has ended (wait(2)).
    init(waitStatus: Int32) {
        let signal = waitStatus & 0x7F
        self = signal == 0 ? .exited(code: (waitStatus >> 8) & 0xFF) : .signalled(signal)
    }

    package var isSuccess: Bool { self == .exited(code: 0) }

    package var description: String {
        switch self {
        case .exited(let code): "exited with code \(code)"
        case .signalled(SIGKILL): "was killed (signal 9; out of memory?)"
        case .signalled(let signal): "was ended by signal \(signal) (\(String(cString: strsignal(signal))))"
        }
    }
}
