// `siamese train`: the main job, on this machine.
internal import ArgumentParser
internal import ModelCore
internal import Runtime

struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a network on this machine.",
        discussion: "The weights are the same to the last bit for any number of workers and threads.")

    @OptionGroup var training: TrainingOptions

    @Option(
        help: "Worker processes; 0: all in this process, no sockets (default: cores, at most what the batch feeds).")
    var workers: Int?

    @Option(help: "Threads of each worker.")
    var threads = 1

    mutating func validate() throws {
        try require("--workers", workers, in: 0...512)
        try require("--threads", threads, in: 1...1024)
    }

    func run() throws {
        requireInstructions()
        let microbatches = (training.batchSize + microbatchSize - 1) / microbatchSize
        let count = workers ?? min(Machine.cores, microbatches)
        training.run(count == 0 ? .inProcess : .local(count), threads: threads)
    }
}

/// Ends the process where the kernels would end it with an illegal instruction.
func requireInstructions() {
    let missing = Machine.missingInstructions
    guard missing.isEmpty else {
        leave(
            with: RunFailure(
                .unavailable,
                "this build needs the CPU instructions \(missing.joined(separator: ", ")), which this machine lacks. "
                    + "Build with  SIAMESE_MARCH=x86-64-v2 swift build -c release  (same results, slower)"))
    }
}
