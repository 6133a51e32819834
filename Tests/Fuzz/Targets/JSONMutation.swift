// Changes of a JSON value that leave it JSON: chance on bytes nearly always breaks the text, and what lies behind the parser is
// never reached.
import Artifacts
import TestKit

extension JSONValue {
    /// With one change somewhere within.
    func mutated(_ random: inout SplitMix64) -> JSONValue {
        switch self {
        case .object(var members) where !members.isEmpty && random.happens(0.9):
            let index = random.below(members.count)
            switch random.below(10) {
            case 0: members.remove(at: index)
            case 1: members.insert(Member(members[index].key + "2", members[index].value), at: index)
            case 2: members[index].value = members[random.below(members.count)].value
            case 3: members.swapAt(index, random.below(members.count))
            default: members[index].value = members[index].value.mutated(&random)
            }
            return .object(members)
        case .array(var elements) where !elements.isEmpty && random.happens(0.9):
            let index = random.below(elements.count)
            switch random.below(5) {
            case 0: elements.remove(at: index)
            case 1: elements.insert(elements[index], at: random.below(elements.count + 1))
            default: elements[index] = elements[index].mutated(&random)
            }
            return .array(elements)
        default: return leaf(&random)
        }
    }

    private func leaf(_ random: inout SplitMix64) -> JSONValue {
        let integer = Int(truncatingIfNeeded: random.next() >> UInt64(random.below(64)))
        switch (self, random.below(6)) {
        case (.integer(let value), 0...3):
            return .integer([value &+ 1, value &- 1, 0 &- value, integer, Int.max, Int.min][random.below(6)])
        case (.string(let text), 0...3):
            return .string(
                [text + "0", String(text.dropFirst()), String(integer), "0x7ff0000000000000", "", "é"][random.below(6)])
        case (_, 0): return .null
        case (_, 1): return .integer(integer)
        case (_, 2): return .string(String(integer))
        case (_, 3): return .array([])
        case (_, 4): return .object([])
        default: return .array([self])
        }
    }
}
