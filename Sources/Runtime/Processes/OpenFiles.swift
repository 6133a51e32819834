// How many files this process may have open: a coordinator that runs out of them while workers connect would turn them away for no
// reason that they could see, so it finds out when it starts.
internal import CLinux
internal import Glibc

/// What to do about the limit on open files (RLIMIT_NOFILE).
package enum OpenFilesRemedy: Equatable {
    case none
    /// The soft limit is low, and ours to raise.
    case raise(to: UInt64)
    case refuse(hardLimit: UInt64)

    package static func forNeed(_ need: UInt64, soft: UInt64, hard: UInt64) -> OpenFilesRemedy {
        if soft >= need { return .none }
        return hard >= need ? .raise(to: need) : .refuse(hardLimit: hard)
    }
}

extension Workforce {
    /// Descriptors that a run may need at once: its own files and sockets, and per worker a connection, a second one while it comes
    /// back after a cut, and for local ones two pipes.
    package var openFiles: UInt64 {
        let own: UInt64 = 64
        return switch self {
        case .inProcess: own
        case .local(let count): own + 4 * UInt64(count)
        case .remote(let workforce): own + 2 * UInt64(workforce.wanted)
        }
    }
}

/// Raises the limit on open files if it is too low for these workers; throws if that is not allowed.
func allowOpenFiles(for workforce: Workforce) throws(RunFailure) {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    let need = workforce.openFiles
    switch OpenFilesRemedy.forNeed(need, soft: UInt64(limit.rlim_cur), hard: UInt64(limit.rlim_max)) {
    case .none: return
    case .raise(let to):
        limit.rlim_cur = rlim_t(to)
        guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            throw tooFewFiles(need, allowed: UInt64(limit.rlim_cur))
        }
    case .refuse(let hard): throw tooFewFiles(need, allowed: hard)
    }
}

private func tooFewFiles(_ need: UInt64, allowed: UInt64) -> RunFailure {
    RunFailure(
        .badConfiguration,
        "this run may need \(need) open files, and only \(allowed) are allowed. Run  ulimit -n \(need)  before it (a service: "
            + "LimitNOFILE=\(need)), or ask for fewer --workers")
}
