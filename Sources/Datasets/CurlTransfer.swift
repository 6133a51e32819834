// One transfer by the `curl` program, which the system keeps up to date and which costs our processes no library. Knows
// curl's options and exit codes; what to do about a failure is the Downloader's affair.

/// How curl is run.
struct CurlTransfer: Sendable {
    enum Outcome: Equatable {
        case complete
        /// The server cannot go on from where the part ends.
        case notResumable
        /// The connection broke; the part may have grown.
        case cut(String)
        case failed(String)
    }

    /// No file of a dataset is larger; a wrong server cannot fill the disk.
    private static let greatestSize = 200_000_000

    let program: String
    let environment: [String: String]
    let showsProgress: Bool
    let deadlines: Downloader.Deadlines
    let isCancelled: @Sendable () -> Bool

    /// Appends what is missing of the file at `address` to the one at `part`.
    func fetch(_ address: String, to part: String) -> Outcome {
        // curl keeps the deadline itself; ours is for a curl that hangs.
        let outcome = runChild(
            program, arguments(address, part), environment: environment, showsErrors: showsProgress,
            deadline: .seconds(deadlines.file + deadlines.connect), isCancelled: isCancelled)
        switch outcome {
        case .exited(0, _): return .complete
        // 33: the server does not do ranges. 36: nothing to go on from there. 416: range not satisfiable.
        case .exited(33, _), .exited(36, _): return .notResumable
        case .exited(22, let output) where output.hasPrefix("416"): return .notResumable
        // 18: fewer bytes than announced. 56: failure while receiving. 92: the same of an HTTP/2 stream.
        case .exited(let code, let output) where [18, 56, 92].contains(code): return .cut(sentence(code, output))
        case .exited(let code, let output): return .failed(sentence(code, output))
        case .signalled(let signal): return .failed("curl was ended by signal \(signal)")
        case .notStarted(let code): return .failed("\(program) cannot be started (errno \(code))")
        case .outOfTime: return .failed("curl did not end in time")
        }
    }

    private func sentence(_ code: Int32, _ output: String) -> String {
        "curl ended with code \(code) (HTTP status \(output))"
    }

    private func arguments(_ address: String, _ part: String) -> [String] {
        [
            "--fail", "--location", "--proto", "=http,https", showsProgress ? "--progress-bar" : "--silent",
            "--connect-timeout", "\(deadlines.connect)", "--speed-limit", "1024", "--speed-time", "\(deadlines.stall)",
            "--max-time", "\(deadlines.file)", "--max-filesize", "\(CurlTransfer.greatestSize)",
            // The status, and curl's own sentence on what went wrong.
            "--write-out", "%{http_code} %{errormsg}",
            "--continue-at", "-", "--output", part, address,
        ]
    }
}
