// Allocations, messages and bytes of a coordinator's step with two workers.
import AllocationCounter
import Benchmark
import Coordination
import ExchangeParts
import Messaging
import ModelCore
import Runtime

/// A coordinator's step with two workers that compute nothing: what it sends and receives, and what it allocates itself. What
/// sockets allocate is not in it.
func countExchange(_ network: NetworkDescription, examples: Int) {
    nonisolated(unsafe) var bench: ExchangeBench?
    Benchmark(
        "\(network.architecture) step of \(examples)\(network.kind.isInBatch ? " in two rounds" : "") with 2 workers",
        configuration: .init(metrics: [.allocations, .messages, .payloadBytes])
    ) { benchmark in
        if bench == nil { bench = try ExchangeBench(network, examples: examples) }
        guard let bench else { return }
        let (allocations, exchange) = try bench.step()
        benchmark.measurement(.allocations, allocations)
        benchmark.measurement(.messages, exchange.messages)
        benchmark.measurement(.payloadBytes, exchange.bytes)
    }
}

private final class ExchangeBench {
    private let link: UncountedLink
    private let counting: CountingLink
    private let shell: CoordinatorShell
    private let job: FixedJob
    private var number: UInt64 = 0

    init(_ network: NetworkDescription, examples: Int) throws {
        let build = BuildIdentity.ofThisBuild()
        counting = CountingLink(try MemoryLink(workers: 2, build: build))
        link = UncountedLink(counting)
        shell = CoordinatorShell(link: link, network: network, build: build) { _ in }
        job = try FixedJob(network, examples: examples)
        try shell.awaitWorkers(2, until: .max)
    }

    func step() throws -> (allocations: Int, exchange: Exchange) {
        number += 1
        let before = counting.exchange
        link.allocations = 0
        let rest = try allocations { try job.takeStep(number, shell) }
        return (link.allocations + rest, counting.exchange - before)
    }
}

/// Leaves out of the count what the workers behind it allocate.
private final class UncountedLink: WorkerLink {
    private let link: any WorkerLink
    /// Counted before the calls of this link so far.
    var allocations = 0

    init(_ link: any WorkerLink) { self.link = link }

    private func uncounted<Value>(_ body: () throws -> Value) rethrows -> Value {
        allocations += allocation_counter_stop()
        defer { allocation_counter_start() }
        return try body()
    }

    func send(_ frames: [Frame], to peer: PeerID) throws -> SendResult {
        try uncounted { try link.send(frames, to: peer) }
    }

    func next(until deadline: UInt64?) throws -> LinkEvent { try uncounted { try link.next(until: deadline) } }

    func keyName(of peer: PeerID) -> String? { link.keyName(of: peer) }

    func joined(processID: UInt32) { link.joined(processID: processID) }

    func awaitDepartures(until deadline: UInt64) throws { try link.awaitDepartures(until: deadline) }

    func forget(_ peer: PeerID) { link.forget(peer) }
}
