// `siamese bench`: chooses the workloads, measures them, and hands over the report. Prints nothing.
internal import Messaging
package import ModelCore

/// What to measure, and for how long.
package struct BenchmarkOptions: Equatable, Sendable {
    package var architectures: [Architecture]
    /// Nil: all of them, and the steps of the contrastive one.
    package var network: NetworkKind?
    package var batchSizes: [Int]
    /// 1, 2, 4, … and the number of cores.
    package var threadCounts: [Int]
    package var rules: RoundRules

    /// - Parameters:
    ///   - architecture: nil for all
    ///   - seconds: nil for the usual ones
    package init(architecture: Architecture?, network: NetworkKind?, seconds: Double?, isQuick: Bool, cores: Int) {
        architectures = architecture.map { [$0] } ?? Architecture.allCases
        self.network = network
        batchSizes = isQuick ? [16, 64, 256] : [16, 32, 64, 128, 256, 512, 1024]
        threadCounts = Self.threadCounts(cores: cores)
        rules = RoundRules(budget: seconds ?? (isQuick ? 4 : 45), sample: isQuick ? 0.002 : 0.02)
    }

    package var cores: Int { threadCounts.last ?? 1 }
    package var networks: [NetworkKind] { network.map { [$0] } ?? NetworkKind.allCases }
    /// The network of kernels and steps.
    package var stepNetwork: NetworkKind { network ?? .siameseContrastive }

    private static func threadCounts(cores: Int) -> [Int] {
        var counts = [1]
        while let last = counts.last, last < cores { counts.append(min(2 * last, cores)) }
        return counts
    }

    /// Whether a run, even at the peak, would take so long that twenty of them use up the time.
    /// - Parameter peak: operations per second
    package func isTooLong(_ work: Work, peak: Double) -> Bool { Double(work.operations) / peak > rules.budget / 20 }
}

/// Measures everything the options name.
///
/// SIGINT and SIGTERM end it with a failure.
/// - Parameter progress: told now and then how far it is, in a few words
package func benchmark(
    _ options: BenchmarkOptions, progress: (String) -> Void
) throws(RunFailure) -> BenchmarkReport {
    do {
        let signals = try SignalWatch()
        func stopIfAsked() throws {
            guard let signal = signals.received else { return }
            throw RunFailure(stoppedBy: signal, "stopped before the measurement was complete")
        }
        var rounds = InterleavedRounds(options.rules) { Double(MonotonicClock.now()) * 1e-9 }
        var leftOut: [Subject] = []
        progress("warming up")
        let peak = peakWorkload(cores: 1)
        let peakRate = Double(peak.work.operations) / rounds.add(peak)
        for workload in workloads(options) {
            if options.isTooLong(workload.work, peak: peakRate) {
                leftOut.append(workload.subject)
            } else {
                rounds.add(workload)
            }
            try stopIfAsked()
        }
        var shown = 0
        try rounds.run { round in
            if round > shown { progress("measuring, round \(round)") }
            shown = round
            try stopIfAsked()
        }
        return BenchmarkReport(
            machine: Machine.json, stepNetwork: options.stepNetwork, rounds: rounds.rounds, seconds: rounds.elapsed,
            measurements: rounds.summaries.map { Measurement($0.workload.subject, $0.workload.work, $0.time) },
            leftOut: leftOut)
    } catch {
        throw RunFailure(error)
    }
}

/// All but the peak of one core, in the order of the table.
package func workloads(_ options: BenchmarkOptions) -> [Workload] {
    let kind = options.stepNetwork
    var workloads = options.cores > 1 ? [peakWorkload(cores: options.cores)] : []
    for architecture in options.architectures {
        workloads += kernelWorkloads(NetworkDescription(kind: kind, architecture: architecture))
    }
    workloads += options.networks.flatMap(lossWorkloads)
    for architecture in options.architectures {
        workloads.append(embeddingWorkload(architecture))
        workloads += options.networks.map { trainingWorkload($0, architecture) }
    }
    let largest = max(options.batchSizes.max() ?? 1, Subject.threadsBatchSize)
    let noise = NoiseExamples(largest, towers: kind.towers)
    for architecture in options.architectures {
        let bench = StepBench(kind, architecture, threads: 1, noise: noise)
        workloads += options.batchSizes.map {
            bench.workload(.step(kind, architecture, batchSize: $0), batchSize: $0)
        }
    }
    for architecture in options.architectures {
        workloads += options.threadCounts.map { threads in
            StepBench(kind, architecture, threads: threads, noise: noise)
                .workload(.threads(kind, architecture, threads: threads), batchSize: Subject.threadsBatchSize)
        }
    }
    return workloads
}
