// The coordinator's process: its real shell over its real socket takes steps as fast as it can, without an optimizer.
internal import ArgumentParser
internal import Coordination
internal import ExchangeParts
internal import Glibc
internal import Messaging
internal import ModelCore
internal import Runtime

extension Architecture: ExpressibleByArgument {}

struct CoordinatorRole: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator",
        abstract: "Print the address, take steps, print what they came to as one line of JSON; end with standard input."
    )

    @Option(help: "Where to listen: ipc://PATH or tcp://127.0.0.1:0.")
    var listen: String

    @Option(help: "Workers, or relays, to wait for.")
    var workers: Int

    @Option(help: "The network's: seed or wide.")
    var architecture = Architecture.seed

    @Option(help: "Microbatches that each worker gets in a step.")
    var microbatches = 1

    @Option(help: "How long to take steps.")
    var seconds = 1.0

    @Option(help: "How long to take steps before any is measured: for workers that come behind relays.")
    var warmUp = 0.0

    /// Of the warm-up, and at least so many are measured.
    private static let fewestSteps: UInt64 = 5

    func run() throws {
        let job = try FixedJob(
            NetworkDescription(kind: .siameseContrastive, architecture: architecture),
            examples: workers * microbatches * microbatchSize)
        let router = try RouterLink(
            context: Context(), endpoint: Endpoint(parsing: listen), largestFrame: 1 << 30, signals: SignalWatch())
        say("\(router.endpoint)")
        let link = CountingLink(router)
        var complaints: [ClusterNotice] = []
        let shell = CoordinatorShell(link: link, network: job.network, build: .ofThisBuild()) { notice in
            if case .joined = notice { return }
            complaints.append(notice)
        }
        try shell.awaitWorkers(workers, until: MonotonicClock.now() + 60_000_000_000)
        guard shell.workers.count == workers else {
            throw ValidationError("\(shell.workers.count) of \(workers) workers came")
        }
        let measurement = try measure(job, shell, link)
        try shell.stop(.finished)
        guard complaints.isEmpty else { throw ValidationError("not a quiet run: \(complaints)") }
        say(measurement.json)
        // Not before the workers have ended: a goodbye that arrives together with the end of its connection may be lost, since
        // libzmq throws away what a socket with ZMQ_IMMEDIATE has not yet taken when its link breaks.
        withExtendedLifetime(router) { while getchar() != EOF {} }
    }

    private func measure(_ job: FixedJob, _ shell: CoordinatorShell, _ link: CountingLink) throws -> Measurement {
        var step: UInt64 = 0
        func takeStep() throws {
            step += 1
            try job.takeStep(step, shell)
        }
        let start = MonotonicClock.now()
        while step < Self.fewestSteps || secondsSince(start) < warmUp { try takeStep() }
        link.note(shell.workers.first?.peer)
        try takeStep()
        link.note(nil)
        let (begin, processor, traffic, first) = (MonotonicClock.now(), processorSeconds(), link.exchange, step)
        while secondsSince(begin) < seconds || step - first < Self.fewestSteps { try takeStep() }
        return Measurement(
            steps: step - first, seconds: secondsSince(begin), processorSeconds: processorSeconds() - processor,
            exchange: link.exchange - traffic, notes: link.notes)
    }
}

/// What the steps came to.
private struct Measurement {
    let steps: UInt64
    let seconds: Double
    let processorSeconds: Double
    let exchange: Exchange
    /// One worker's messages of one step.
    let notes: CountingLink.Notes

    /// The same fields as raw-zmq.c prints, and the frame sizes that it is to be given.
    var json: String {
        let fields = [
            "\"steps\": \(steps)", "\"seconds\": \(seconds)", "\"processor_seconds\": \(processorSeconds)",
            "\"messages\": \(exchange.messages)", "\"bytes\": \(exchange.bytes)",
            "\"bytes_sent\": \(exchange.sent.bytes)", "\"bytes_received\": \(exchange.received.bytes)",
            "\"sent\": \(notes.sent)",
            "\"received\": \(notes.received)",
        ]
        return "{\(fields.joined(separator: ", "))}"
    }
}

private func secondsSince(_ begin: UInt64) -> Double { Double(MonotonicClock.now() - begin) * 1e-9 }

/// User and system time of all threads of this process.
private func processorSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + 1e-6 * Double($1.tv_usec) }
}

/// A line on standard output, at once.
private func say(_ line: String) {
    print(line)
    fflush(nil)
}
