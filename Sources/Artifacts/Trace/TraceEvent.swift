// One span of a timeline in the Trace Event Format ("Chrome trace"), which Perfetto and chrome://tracing open. Makes bytes; who
// writes the file is the Runtime.

/// What happened on one track from when to when.
package struct TraceEvent: Equatable, Sendable {
    package var name: String
    /// The row it is drawn in: a process of the format, with one thread.
    package var track: Int
    /// Nanoseconds since the beginning of the trace.
    package var begin: Int64
    package var duration: Int64
    package var step: Int

    package init(name: String, track: Int, begin: Int64, duration: Int64, step: Int) {
        self.name = name
        self.track = track
        self.begin = begin
        self.duration = duration
        self.step = step
    }

    /// A complete event ("ph":"X"); the format counts in microseconds.
    package var json: JSONValue {
        [
            "name": .string(name), "ph": "X", "pid": .integer(track), "tid": 0, "ts": .number(Double(begin) / 1000),
            "dur": .number(Double(duration) / 1000), "args": ["step": .integer(step)],
        ]
    }

    /// What a track is called (a metadata event).
    package static func name(ofTrack track: Int, _ name: String) -> JSONValue {
        ["name": "process_name", "ph": "M", "pid": .integer(track), "args": ["name": .string(name)]]
    }
}
