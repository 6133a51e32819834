// Notices that peers cause at will do not fill the log.
internal import Messaging

/// Passes notices on, but of refusals and of dropped messages only as many as `LogPauses` says.
func sparing(_ say: @escaping (ClusterNotice) -> Void) -> (ClusterNotice) -> Void {
    var (refusals, drops) = (LogPauses(), LogPauses())
    func text(_ line: String, _ unmentioned: Int) -> String {
        unmentioned == 0 ? line : "\(line) (and \(unmentioned) more since the last such line)"
    }
    return { notice in
        switch notice {
        case .refused(let line):
            if let count = refusals.unmentioned(before: MonotonicClock.now()) { say(.refused(text(line, count))) }
        case .dropped(let line):
            if let count = drops.unmentioned(before: MonotonicClock.now()) { say(.dropped(text(line, count))) }
        case .joined, .lost, .noWorkers, .workersBack, .quarantined: say(notice)
        }
    }
}
