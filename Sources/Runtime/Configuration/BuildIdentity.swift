// Who this build is on the wire: protocol, numerics version, and the digest of its arithmetic.
package import Coordination
internal import Messaging
internal import ModelCore
internal import Storage

extension BuildIdentity {
    /// This build's identity; runs the self-test (a few milliseconds).
    package static func ofThisBuild() -> BuildIdentity {
        let digest = selfTestVector().withUnsafeBytes { SHA256.digest(of: $0) }
        guard let selfTest = SelfTestDigest(bytes: digest.bytes) else {
            preconditionFailure("a SHA-256 digest has 32 bytes")
        }
        return BuildIdentity(numericsVersion: ModelCore.numericsVersion, selfTest: selfTest)
    }
}

extension Coordination.Instant {
    /// The present, on the monotonic clock.
    static var now: Coordination.Instant { Coordination.Instant(nanoseconds: MonotonicClock.now()) }
}
