// The coordinator's answer to who asks how a run stands. What the document says is the shells' affair.

/// "This is how the run stands, and how its workers are." One payload frame: a JSON document.
package struct StatusReport: Equatable, Sendable {
    package let run: RunID
    let document: PayloadFrame

    package init(run: RunID, document: [UInt8]) {
        precondition(
            document.count <= MessageLimits.maximumReportBytes,
            "a report has at most \(MessageLimits.maximumReportBytes) bytes, not \(document.count)")
        self.run = run
        self.document = PayloadFrame(size: document.count, fingerprint: fingerprint(of: document))
    }

    func encoded() -> [UInt8] {
        var writer = HeaderWriter(.statusReport, run: run)
        writer.integer(UInt32(document.size))
        writer.integer(document.fingerprint)
        return writer.sealed()
    }

    init(run: RunID, _ reader: inout HeaderReader) throws(DecodingFailure) {
        self.run = run
        document = PayloadFrame(
            size: try reader.count("report size", limit: MessageLimits.maximumReportBytes),
            fingerprint: try reader.integer("fingerprint of the report"))
    }
}
