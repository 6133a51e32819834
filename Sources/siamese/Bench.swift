// `siamese bench`: how near this machine's limit the kernels, the networks and whole steps run.
internal import ArgumentParser
internal import Artifacts
internal import Glibc
internal import ModelCore
internal import Runtime

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure this machine, the kernels and whole steps.",
        discussion: """
            Needs no dataset and no other process. Everything is measured in turn, round after round, for --seconds; the \
            peak is a loop of fused multiply-adds. Do nothing else on the machine meanwhile.
            """)

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    @Flag(help: "A rough answer in a few seconds.")
    var quick = false

    @Option(help: "Measure this architecture only.")
    var architecture: Architecture?

    @Option(help: "Measure this network only; steps and kernels are otherwise those of siamese-contrastive.")
    var network: NetworkArgument?

    @Option(help: "Seconds for all measurements (default: 45, with --quick 4).")
    var seconds: Double?

    mutating func validate() throws {
        // Written so that NaN is refused.
        guard (1...3600).contains(seconds ?? 1) else { throw ValidationError("--seconds must be from 1 to 3600.") }
    }

    func run() throws {
        requireInstructions()
        let options = BenchmarkOptions(
            architecture: architecture, network: network?.kind, seconds: seconds, isQuick: quick, cores: Machine.cores)
        do {
            let report = try benchmark(options, progress: showProgress)
            showProgress("")
            writeOutput(json ? report.json.pretty() : Array(report.table.utf8))
            // The table has them at its end.
            if json { report.warnings.forEach(note) }
        } catch {
            showProgress("")
            leave(with: error)
        }
    }
}

/// In place of what was shown before, and on a terminal only.
private func showProgress(_ text: String) {
    guard isatty(STDERR_FILENO) == 1 else { return }
    var line = "\r\u{1B}[K\(text)"
    line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
