// What does not jitter: allocations, messages and bytes. Their values are in git (Benchmarks/Thresholds), and
// `Benchmarks/harness check` fails when one of them grows.
import Benchmark
import ExchangeParts
import ModelCore

extension BenchmarkMetric {
    /// Blocks that the measuring thread asked the allocator for.
    static let allocations = custom("allocations", useScalingFactor: false)
    static let messages = custom("messages", useScalingFactor: false)
    static let payloadBytes = custom("bytes", useScalingFactor: false)
}

let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.allocations], warmupIterations: 20, maxDuration: .seconds(2), maxIterations: 20)
    // `koch` runs the same code as they.
    for architecture in [Architecture.seed, .wide] {
        let network = NetworkDescription(kind: .siameseContrastive, architecture: architecture)
        countGradient(network)
        for examples in [32, 256] { countShard(network, examples: examples) }
        countAdam(network)
        for examples in [32, 256] { countExchange(network, examples: examples) }
    }
    // Two rounds: the images go out once, latent vectors come in, their gradients go out.
    countExchange(NetworkDescription(kind: .onlineTriplet), examples: 256)
    for piece in exchangePieces() { countAllocations(piece.name, of: piece.prepare) }
    countStepInProcess(NetworkDescription(kind: .siameseContrastive), examples: 32)
}

/// A benchmark whose one metric is what `body` allocates; `body` is made once.
func countAllocations(_ name: String, of prepare: @escaping () throws -> (() throws -> Void)) {
    nonisolated(unsafe) var body: (() throws -> Void)?
    Benchmark(name) { benchmark in
        if body == nil { body = try prepare() }
        guard let body else { return }
        let count = try allocations { try body() }
        benchmark.measurement(.allocations, count)
    }
}
