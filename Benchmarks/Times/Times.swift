// Times of the kernels, of a microbatch, of steps of 32 and 256 (the workloads of `siamese bench`) and of the exchange's pieces under
// a benchmark harness: percentiles, and baselines to compare branches. No thresholds: times jitter.
import Benchmark
import ExchangeParts
import ModelCore
import Runtime

let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock], timeUnits: .nanoseconds, warmupIterations: 3, maxDuration: .milliseconds(400))
    var options = BenchmarkOptions(
        architecture: nil, network: .siameseContrastive, seconds: nil, isQuick: false, cores: 1)
    options.batchSizes = [32, 256]
    for workload in workloads(options) {
        // The harness runs one benchmark at a time; a workload is not Sendable because it owns buffers.
        nonisolated(unsafe) let workload = workload
        Benchmark("\(workload.subject)") { _ in workload.run(1) }
    }
    for piece in exchangePieces() {
        nonisolated(unsafe) var run: (() throws -> Void)?
        // A thousand at a time where the clock would be what is measured.
        Benchmark(piece.name, configuration: .init(scalingFactor: piece.isShort ? .kilo : .one)) { benchmark in
            if run == nil { run = try piece.prepare() }
            guard let run else { return }
            for _ in benchmark.scaledIterations { try run() }
        }
    }
}
