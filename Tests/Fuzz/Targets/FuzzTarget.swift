// What is fuzzed and what counts as a fault: a crash, bytes that mean two things, a refusal without a sentence, more memory than
// the documented limit. Who makes the inputs is elsewhere: libFuzzer in Tests/Fuzz/Program, a seed in Tests/FuzzTests.
import AllocationCounter
import Artifacts
package import TestKit

/// One reader of bytes that others have made.
package struct FuzzTarget: Sendable {
    package let name: String
    /// Valid inputs, from which the others are made.
    package let samples: [[UInt8]]
    /// What to put into an input beside chance: keywords, numbers at limits.
    package var tokens: [String] = []
    /// Where in an input there is JSON; nil: nowhere.
    var json: @Sendable ([UInt8]) -> Range<Int>? = { _ in nil }
    /// Restores what chance never hits, seals and checksums, so that what lies behind them is reached.
    package var repair: @Sendable ([UInt8]) -> [UInt8] = { $0 }
    /// Reads one input. Returns whether it was accepted; throws a `Finding` if something is wrong.
    let check: @Sendable ([UInt8], inout Meter) throws -> Bool

    package static let all: [FuzzTarget] = [
        .workerMessage, .coordinatorMessage, .coordinatorCore, .workerCore, .checkpoint, .resume, .epochFile, .json,
        .idx, .job, .endpoint, .keyFile, .queryImage, .searchIndex, .finishedRun,
    ]

    package struct Outcome: Sendable {
        package let isAccepted: Bool
        /// The most bytes held at once, and how many were allowed.
        package let peak: Int
        package let limit: Int
    }

    package func run(_ input: [UInt8]) throws -> Outcome {
        var meter = Meter()
        let isAccepted = try check(input, &meter)
        return Outcome(isAccepted: isAccepted, peak: meter.peak, limit: meter.limit)
    }

    /// The input that belongs to a seed.
    package func input(seed: UInt64) -> [UInt8] {
        var random = SplitMix64(seed: seed)
        return mutated(samples[random.below(samples.count)], &random, maximumCount: 65_536)
    }

    /// A few changes, most of the time with everything in order again around them.
    package func mutated(_ input: [UInt8], _ random: inout SplitMix64, maximumCount: Int) -> [UInt8] {
        var input = input
        for _ in 0..<random.within(1...4) {
            if let range = json(input), random.happens(0.75), let value = try? JSONValue(parsing: input, in: range) {
                input.replaceSubrange(range, with: value.mutated(&random).compact())
            } else {
                input.mutate(&random, tokens: tokens, other: samples[random.below(samples.count)])
            }
        }
        let changed = random.happens(0.875) ? repair(input) : input
        return Array(changed.prefix(maximumCount))
    }
}

/// Something that a reader must never do.
package struct Finding: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

func require(_ condition: Bool, _ sentence: @autoclosure () -> String) throws {
    guard condition else { throw Finding(sentence()) }
}

/// A refusal is a sentence for a person, of bounded length: input must not flood a log.
func requireSentence(_ error: some Error, atMost length: Int) throws {
    let sentence = "\(error)"
    try require(!sentence.isEmpty && sentence.utf8.count <= length, "a refusal of \(sentence.utf8.count) bytes")
}

/// Measures what a reader allocates.
struct Meter {
    private(set) var peak = 0
    private(set) var limit = 0

    /// Runs `body`, which may hold so many bytes at once beyond what this thread holds now.
    mutating func hold<Value>(atMost limit: Int, _ body: () throws -> Value) throws -> Value {
        allocation_counter_start()
        let result = Result { try body() }
        _ = allocation_counter_stop()
        let held = allocation_counter_peak()
        if held > peak { (peak, self.limit) = (held, limit) }
        try require(held <= limit, "held \(held) bytes at once, allowed are \(limit)")
        return try result.get()
    }
}

/// Takes an input apart from its front.
struct Script {
    private(set) var rest: ArraySlice<UInt8>

    init(_ input: [UInt8]) { rest = input[...] }

    /// Nil at the end.
    mutating func byte() -> UInt8? { rest.popFirst() }

    /// As many bytes as there are, at most `count`.
    mutating func bytes(_ count: Int) -> [UInt8] {
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    /// Little-endian; what is missing at the end is zero.
    mutating func integer<Value: FixedWidthInteger & UnsignedInteger>(_: Value.Type = Value.self) -> Value {
        bytes(Value.bitWidth / 8).reversed().reduce(0) { $0 << 8 | Value($1) }
    }
}

extension FixedWidthInteger {
    var bytes: [UInt8] { withUnsafeBytes(of: littleEndian) { Array($0) } }
}
