// Which start of which job a coordinator is. Its number grows with every start, so that whoever has heard of a later one can tell a
// coordinator that was believed dead and comes back. A file in the output folder, nothing else; who compares is the protocol.
internal import Artifacts
package import Coordination
internal import Storage

/// One start of a coordinator.
package struct RunEpoch: Equatable, Sendable {
    /// 64 random bits, drawn when a job begins anew and kept when it is resumed.
    package let job: UInt64
    /// Counts the starts of the job, from 1.
    package let epoch: UInt64

    package init(job: UInt64, epoch: UInt64) {
        self.job = job
        self.epoch = epoch
    }

    /// The first start of a new job.
    package static func first() -> RunEpoch { RunEpoch(job: .random(in: 1...UInt64.max), epoch: 1) }

    var next: RunEpoch { RunEpoch(job: job, epoch: epoch + 1) }

    /// The low bits of the epoch on the wire count how often this coordinator has taken the run back.
    private static let returnsPerStart: UInt64 = 1 << 20

    /// More starts than there can be: on the wire a higher number would begin again from zero, and outrank nobody.
    private static let greatest: UInt64 = 1 << 43

    package var run: RunID { RunID(high: job, low: epoch &* Self.returnsPerStart) }
}

extension RunEpoch {
    /// One line of JSON with a digest of its own: a number that is wrong would let a stale coordinator win.
    package func encoded() -> [UInt8] {
        let fields: JSONValue = [
            "job": .string(String(job, radix: 16)), "epoch": .string(String(epoch)), "check": .string(check),
        ]
        return fields.compact() + [UInt8(ascii: "\n")]
    }

    /// Nil if the bytes are not exactly what `encoded` makes.
    package init?(decoding bytes: [UInt8]) {
        guard let fields = try? JSONValue(parsing: bytes),
            let job = fields["job"]?.string.flatMap({ UInt64($0, radix: 16) }),
            let epoch = fields["epoch"]?.string.flatMap({ UInt64($0) }), epoch <= Self.greatest
        else { return nil }
        self.init(job: job, epoch: epoch)
        guard encoded() == bytes else { return nil }
    }

    private var check: String { "\(SHA256.digest(of: Array("\(job) \(epoch)".utf8)))" }
}
