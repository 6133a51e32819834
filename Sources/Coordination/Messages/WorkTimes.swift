// When a worker did what, by its own clock. For measuring its speed and for traces; nothing that is decided by it changes
// which bits come out.

/// The life of one shard at its worker. Instants of another machine's clock: only their differences mean something.
package struct WorkTimes: Equatable, Sendable {
    /// The worker had nothing to compute from here on.
    package let idle: Instant
    /// The last message that the computation needed was there.
    package let ready: Instant
    package let began: Instant
    package let ended: Instant

    package init(idle: Instant, ready: Instant, began: Instant, ended: Instant) {
        self.idle = idle
        self.ready = ready
        self.began = began
        self.ended = ended
    }

    /// Time spent computing, without waiting and without the wire.
    package var computing: Duration { ended - began }

    func encode(_ writer: inout HeaderWriter) {
        for instant in [idle, ready, began, ended] { writer.integer(instant.nanoseconds) }
    }

    init(_ reader: inout HeaderReader) throws(DecodingFailure) {
        idle = Instant(nanoseconds: try reader.integer("idle since"))
        ready = Instant(nanoseconds: try reader.integer("ready at"))
        began = Instant(nanoseconds: try reader.integer("begin of computing"))
        ended = Instant(nanoseconds: try reader.integer("end of computing"))
    }
}
