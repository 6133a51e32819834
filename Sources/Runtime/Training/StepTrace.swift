// `--trace FILE`: what the coordinator and every worker did in each step, for Perfetto or chrome://tracing. Only watches: with or
// without it a run has the same bits.
internal import Artifacts
package import Coordination
internal import Messaging
internal import Storage

/// Spans of the coordinator and of the workers that answer it, written as they come: the file of a run that was killed opens too.
package final class StepTrace {
    /// What a coordinator does in a step.
    package enum Activity: String {
        case sample, send, wait, sum, mine, optimize
    }

    private struct Track {
        let number: Int
        /// When what we last saw of it ended, by our clock.
        var end: UInt64?
        /// What must be added to its clock to get ours lies between these: no answer comes before it was sent.
        var leastOffset = -Double.infinity
        var mostOffset = Double.infinity

        /// Zero where that is possible: on one machine all processes have the same clock.
        var offset: Double {
            leastOffset <= 0 && mostOffset >= 0 ? 0 : (leastOffset + mostOffset) / 2
        }
    }

    private let origin = MonotonicClock.now()
    private var file: LineFile
    private var tracks: [PeerID: Track] = [:]
    private var waiting: [JSONValue] = []
    /// Told once, when the file cannot be written any more; the run goes on.
    private var complain: ((String) -> Void)?
    private var step = 0

    /// Creates the file, or begins it anew.
    package init(path: String, complain: @escaping (String) -> Void) throws {
        file = try LineFile(path: path, resumingAt: 0)
        self.complain = complain
        try file.append("[" + Self.line(TraceEvent.name(ofTrack: 0, "coordinator")))
    }

    func begin(step: Int) { self.step = step }

    /// The coordinator did this from `begin` until now.
    fileprivate func note(_ activity: Activity, since begin: UInt64) {
        span(activity.rawValue, track: 0, Double(begin), Double(MonotonicClock.now()), step: step)
    }

    /// A worker's answer is here. `sent`: when the last message that it needed left.
    package func note(_ partials: Partials, of worker: WorkerIdentity, sent: UInt64) {
        let arrived = Double(MonotonicClock.now())
        let (sent, times) = (Double(sent), partials.times)
        var track = tracks[worker.peer] ?? newTrack(for: worker)
        let (ready, began, ended) = (
            Double(times.ready.nanoseconds), Double(times.began.nanoseconds), Double(times.ended.nanoseconds)
        )
        track.leastOffset = max(track.leastOffset, sent - ready)
        track.mostOffset = min(track.mostOffset, arrived - ended)
        let offset = track.offset
        if let end = track.end {
            span("wait", track: track.number, Double(end), sent, step: Int(clamping: partials.step))
        }
        for (name, from, to) in [
            ("receive", sent, ready + offset), ("compute", began + offset, ended + offset),
            ("send", ended + offset, arrived),
        ] { span(name, track: track.number, from, to, step: Int(clamping: partials.step)) }
        track.end = UInt64(arrived)
        tracks[worker.peer] = track
    }

    private func newTrack(for worker: WorkerIdentity) -> Track {
        let track = Track(number: tracks.count + 1)
        waiting.append(TraceEvent.name(ofTrack: track.number, "\(worker)"))
        return track
    }

    /// A peer may claim any time: a span that does not fit is left out.
    private func span(_ name: String, track: Int, _ from: Double, _ to: Double, step: Int) {
        let start = from - Double(origin)
        guard to >= from, start.magnitude < 1e18, to - from < 1e18 else { return }
        let event = TraceEvent(name: name, track: track, begin: Int64(start), duration: Int64(to - from), step: step)
        waiting.append(event.json)
    }

    /// Writes what has been noted; called where nobody waits for it.
    func write() {
        for event in waiting { append("," + Self.line(event)) }
        waiting.removeAll(keepingCapacity: true)
    }

    package func finish() {
        write()
        append("]")
    }

    private func append(_ line: String) {
        guard let complain else { return }
        do {
            try file.append(line)
        } catch {
            complain("note: the trace ends here: \(error)")
            self.complain = nil
        }
    }

    private static func line(_ value: JSONValue) -> String { String(decoding: value.compact(), as: UTF8.self) }
}

extension StepTrace? {
    /// Does what the coordinator does, and notes its time if there is a trace.
    func span<Result>(_ activity: StepTrace.Activity, _ work: () throws -> Result) rethrows -> Result {
        guard let self else { return try work() }
        let begin = MonotonicClock.now()
        let result = try work()
        self.note(activity, since: begin)
        return result
    }
}
