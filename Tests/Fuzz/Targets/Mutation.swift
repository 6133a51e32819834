// Changes of bytes by chance, the same for the same random numbers. Knows no format.
import TestKit

extension [UInt8] {
    /// One change. `other` is something to copy from.
    mutating func mutate(_ random: inout SplitMix64, tokens: [String], other: [UInt8]) {
        switch random.below(12) {
        case 0, 1, 2:
            guard !isEmpty else { return append(UInt8(truncatingIfNeeded: random.next())) }
            self[random.below(count)] ^= UInt8(1 << random.below(8))
        case 3:
            guard !isEmpty else { return }
            self[random.below(count)] = UInt8(truncatingIfNeeded: random.next())
        case 4, 5: overwrite(with: Self.extremeInteger(&random), &random)
        case 6: removeSubrange(range(&random))
        case 7: insert(contentsOf: Array(self[range(&random)]), at: random.below(count + 1))
        case 8:
            insert(
                contentsOf: (0..<random.within(1...16)).map { _ in UInt8(truncatingIfNeeded: random.next()) },
                at: random.below(count + 1))
        case 9:
            guard !tokens.isEmpty else { return removeLast(random.below(count + 1)) }
            replaceSubrange(range(&random, atMost: 8), with: tokens[random.below(tokens.count)].utf8)
        case 10: replaceSubrange(range(&random), with: other[other.range(&random)])
        default: overwrite(with: Array(other[other.range(&random, atMost: 8)]), &random)
        }
    }

    /// Integers where arithmetic goes wrong, of 1 to 8 bytes in either order.
    private static func extremeInteger(_ random: inout SplitMix64) -> [UInt8] {
        let width = 1 << random.below(4)
        let power: UInt64 = 1 << UInt64(random.below(8 * width))
        let value = [0, power, power &- 1, power &+ 1, 0 &- power, UInt64.max][random.below(6)]
        let bytes = Array(value.bytes.prefix(width))
        return random.happens(0.5) ? bytes : bytes.reversed()
    }

    private mutating func overwrite(with bytes: [UInt8], _ random: inout SplitMix64) {
        guard count >= bytes.count else { return append(contentsOf: bytes) }
        let start = random.below(count - bytes.count + 1)
        replaceSubrange(start..<start + bytes.count, with: bytes)
    }

    /// Any range of it, more often a short one.
    private func range(_ random: inout SplitMix64, atMost limit: Int = .max) -> Range<Int> {
        let longest = Swift.min(count, limit, random.happens(0.8) ? 32 : count)
        let length = random.within(0...longest)
        let start = random.below(count - length + 1)
        return start..<start + length
    }
}
