// `--threads` of the commands that do all their work in this process.
internal import ArgumentParser
internal import Runtime

struct ThreadOption: ParsableArguments {
    @Option(help: "Threads (default: one per core).")
    var threads: Int?

    mutating func validate() throws { try require("--threads", threads, in: 1...1024) }

    var count: Int { threads ?? Machine.cores }
}
