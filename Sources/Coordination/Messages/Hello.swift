// The messages at the door: hello, welcome, refuse. Not the decision who may come in: that is the coordinator's core.

/// "I am here and would like to work; this is what I am."
package struct Hello: Equatable, Sendable {
    package let build: BuildIdentity
    /// Differs for every start of a worker process and for every time it registers anew.
    package let incarnation: UInt64
    package let threads: UInt16
    package let processID: UInt32
    /// What logs call the worker; at most 64 bytes of UTF-8 travel.
    package let processName: String

    package init(build: BuildIdentity, incarnation: UInt64, threads: UInt16, processID: UInt32, processName: String) {
        self.build = build
        self.incarnation = incarnation
        self.threads = threads
        self.processID = processID
        self.processName = HeaderWriter.sendable(processName, limit: MessageLimits.maximumNameBytes)
    }

    func encoded() -> [UInt8] {
        var writer = HeaderWriter(.hello, run: .none)
        writer.integer(build.numericsVersion)
        writer.digest(build.selfTest)
        writer.integer(incarnation)
        writer.integer(processID)
        writer.integer(threads)
        writer.text(processName, limit: MessageLimits.maximumNameBytes)
        return writer.sealed()
    }

    /// The part that every protocol version can read: bytes 24–59 after the prefix.
    static func build(_ prefix: HeaderPrefix, _ reader: inout HeaderReader) throws(DecodingFailure) -> BuildIdentity {
        let numerics: UInt32 = try reader.integer("numerics version")
        let digest = try reader.digest("self-test digest")
        return BuildIdentity(
            protocolVersion: prefix.protocolVersion, numericsVersion: numerics, selfTest: digest)
    }

    init(_ build: BuildIdentity, _ reader: inout HeaderReader) throws(DecodingFailure) {
        self.build = build
        incarnation = try reader.integer("incarnation")
        processID = try reader.integer("process id")
        threads = try reader.integer("threads")
        processName = try reader.text("process name", limit: MessageLimits.maximumNameBytes)
    }
}

/// "Welcome to this run; gradients have so many floats, and this is the job." One payload frame: the job description,
/// bytes that only the shells understand.
package struct Welcome: Equatable, Sendable {
    package let run: RunID
    package let parameterCount: Int
    /// Floats in the latent vectors of an example: towers × dimensions.
    package let latentCount: Int
    let job: PayloadFrame

    package init(run: RunID, parameterCount: Int, latentCount: Int = 0, jobDescription: [UInt8]) {
        precondition(
            jobDescription.count <= MessageLimits.maximumJobDescriptionBytes,
            "a job description has at most \(MessageLimits.maximumJobDescriptionBytes) bytes, not \(jobDescription.count)"
        )
        self.run = run
        self.parameterCount = parameterCount
        self.latentCount = latentCount
        job = PayloadFrame(size: jobDescription.count, fingerprint: fingerprint(of: jobDescription))
    }

    func encoded() -> [UInt8] {
        var writer = HeaderWriter(.welcome, run: run)
        writer.integer(UInt32(parameterCount))
        writer.integer(UInt32(latentCount))
        writer.integer(UInt32(job.size))
        writer.integer(job.fingerprint)
        return writer.sealed()
    }

    init(run: RunID, _ reader: inout HeaderReader, _ limits: MessageLimits) throws(DecodingFailure) {
        self.run = run
        parameterCount = try reader.count("parameter count", limit: limits.maximumParameterCount)
        guard parameterCount > 0 else { throw .inconsistent("the welcome announces a model without parameters") }
        latentCount = try reader.count("latent floats of an example", limit: MessageLimits.maximumLatentCount)
        job = PayloadFrame(
            size: try reader.count("job description size", limit: MessageLimits.maximumJobDescriptionBytes),
            fingerprint: try reader.integer("fingerprint of the job description"))
    }
}

/// "You cannot work here, and this is why; this is what I am." Its whole layout is fixed for ever.
package struct Refuse: Equatable, Sendable {
    /// Why, for programs. Numbers are never reused.
    package enum Code: UInt16, Sendable, CaseIterable {
        case protocolVersion = 1
        case numericsVersion = 2
        case selfTest = 3
        case malformedMessage = 4
        /// It computed something else than others did, for the same shard.
        case quarantined = 5
        /// It failed, more than once, where others did not.
        case failing = 6
        /// There are as many workers as the coordinator admits.
        case full = 7
        /// The worker's key is not admitted (any more).
        case notAuthorized = 8
        /// A code that a newer coordinator made up.
        case other = 0xffff
    }

    package let code: Code
    /// The coordinator's build.
    package let build: BuildIdentity
    /// A sentence for people; at most 1,024 bytes of UTF-8 travel.
    package let reason: String

    package init(code: Code, build: BuildIdentity, reason: String) {
        self.code = code
        self.build = build
        self.reason = HeaderWriter.sendable(reason, limit: MessageLimits.maximumReasonBytes)
    }

    func encoded() -> [UInt8] {
        var writer = HeaderWriter(.refuse, run: .none)
        writer.integer(build.numericsVersion)
        writer.digest(build.selfTest)
        writer.integer(code.rawValue)
        writer.text(reason, limit: MessageLimits.maximumReasonBytes)
        return writer.sealed()
    }

    init(_ prefix: HeaderPrefix, _ reader: inout HeaderReader) throws(DecodingFailure) {
        build = try Hello.build(prefix, &reader)
        code = Code(rawValue: try reader.integer("refusal code")) ?? .other
        reason = try reader.text("reason", limit: MessageLimits.maximumReasonBytes)
    }
}

extension Hello: CustomStringConvertible {
    package var description: String { "\(processName), pid \(processID), incarnation \(incarnation)" }
}
