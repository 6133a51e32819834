// Random bytes, mutations and truncations against both decoders and both cores: a typed failure or a valid message,
// never a crash. Seeded: a failing case names its seed.

import Coordination
import TestKit
import Testing

@Suite struct MessageFuzzTests {
    static let cases = 100_000 as UInt64

    @Test func workersCannotCrashTheCoordinator() throws {
        let seeds = try Samples.fromWorker.map { ($0.header, try $0.payloadSizes(Samples.limits)) }
        var core = Script.coordinator()
        _ = core.onMessage(Script.hello(1), from: PeerID(rawValue: 1), now: Script.start)
        _ = core.beginStep(1, extent: Script.extent(8), now: Script.start)
        var (messages, failures) = (0, 0)
        for seed in 1...Self.cases {
            let (header, sizes) = mutated(seeds, seed)
            do {
                let message = try Samples.decodeFromWorker(header, sizes)
                messages += 1
                _ = core.onMessage(message, from: PeerID(rawValue: seed % 3), now: Script.start)
                if !reencodes(message, header) { Issue.record("two headers mean \(message); seed \(seed)") }
            } catch {
                if !(error is DecodingFailure) { Issue.record("\(error); seed \(seed)") }
                failures += 1
            }
        }
        #expect(messages > 10_000 && failures > 10_000)
        #expect(core.workers.count <= 3)
    }

    @Test func coordinatorsCannotCrashAWorker() throws {
        let seeds = try Samples.fromCoordinator.map { ($0.header, try $0.payloadSizes(Samples.limits)) }
        var (messages, failures) = (0, 0)
        var core = Script.worker()
        for seed in 1...Self.cases {
            let (header, sizes) = mutated(seeds, seed)
            do {
                let message = try Samples.decodeFromCoordinator(header, sizes)
                messages += 1
                let actions = core.onMessage(message, now: Script.start)
                if actions.contains(where: { if case .finish = $0 { true } else { false } }) { core = Script.worker() }
            } catch {
                if !(error is DecodingFailure) { Issue.record("\(error); seed \(seed)") }
                failures += 1
            }
        }
        #expect(messages > 10_000 && failures > 10_000)
    }

    /// A decoded message is exactly its bytes: no two headers mean the same.
    private func reencodes(_ message: WorkerMessage, _ header: [UInt8]) -> Bool {
        if case .foreignHello = message { return true }
        return message.header == header
    }

    private func mutated(_ seeds: [([UInt8], [Int])], _ seed: UInt64) -> ([UInt8], [Int]) {
        var random = SplitMix64(seed: seed)
        var (header, sizes) = seeds[random.below(seeds.count)]
        switch random.below(8) {
        case 0: header = (0..<random.below(200)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        case 1: header.removeLast(random.within(1...header.count))
        case 2: header += (0..<random.within(1...5000)).map { _ in 0xff }
        case 3: sizes = (0..<random.below(5)).map { _ in random.below(1 << 20) }
        case 4:
            let at = random.below(header.count - 3)
            for offset in 0..<4 { header[at + offset] = 0xff }
        default:
            for _ in 0..<random.within(1...3) {
                header[random.below(header.count)] ^= UInt8(1 << random.below(8))
            }
        }
        return (header, sizes)
    }
}
