// The names of things on the wire: runs, digests, versions. Not peers: a peer is whatever the shell can send to.

/// A training job and the how-manieth coordinator of it is at work, so that answers to a predecessor, and a predecessor that
/// comes back, are recognised: of two coordinators of one job the one with the higher epoch is in command (epoch fencing, as in
/// the leases of distributed file systems).
package struct RunID: Hashable, Sendable {
    /// The job: random bits that stay the same when it is resumed.
    package let high: UInt64
    /// The epoch: counts the starts of a coordinator for this job, from 1.
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Whether this is an earlier coordinator of the same job as `other`.
    package func precedes(_ other: RunID) -> Bool { high == other.high && low < other.low }

    /// What stands in the run field of a message from before the welcome.
    package static let none = RunID(high: 0, low: 0)
}

extension RunID: CustomStringConvertible {
    package var description: String { hexadecimal(high) + hexadecimal(low) }
}

/// SHA-256 of the small fixed training step that every build computes at its start (docs/exactness.md, item 7).
package struct SelfTestDigest: Hashable, Sendable {
    /// Bytes 0–7, 8–15, 16–23, 24–31, each read as little-endian.
    package let words: SIMD4<UInt64>

    package init(words: SIMD4<UInt64>) { self.words = words }

    /// The digest in `bytes`; nil unless there are 32 of them.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        var words = SIMD4<UInt64>()
        for index in 0..<32 { words[index / 8] |= UInt64(bytes[index]) << UInt64(8 * (index % 8)) }
        self.words = words
    }
}

extension SelfTestDigest: CustomStringConvertible {
    package var description: String {
        (0..<4).map { hexadecimal(words[$0].byteSwapped) }.joined()
    }
}

/// What must agree before a worker may join: the wire, and the arithmetic.
package struct BuildIdentity: Hashable, Sendable {
    /// Version of the messages in this folder; `BuildIdentity.currentProtocol` in this build.
    package let protocolVersion: UInt16
    /// Version of the arithmetic; bumped when any golden digest changes.
    package let numericsVersion: UInt32
    package let selfTest: SelfTestDigest

    package static let currentProtocol: UInt16 = 5

    package init(
        protocolVersion: UInt16 = BuildIdentity.currentProtocol, numericsVersion: UInt32, selfTest: SelfTestDigest
    ) {
        self.protocolVersion = protocolVersion
        self.numericsVersion = numericsVersion
        self.selfTest = selfTest
    }
}

private func hexadecimal(_ word: UInt64) -> String {
    let digits = String(word, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
