// Few lines, however many reasons for one.

import Messaging
import Testing

@Suite struct LogPausesTests {
    private static let second: UInt64 = 1_000_000_000

    @Test func aHundredASecondAreAFewLines() {
        var pauses = LogPauses()
        let told = (0..<60_000).compactMap { pauses.unmentioned(before: UInt64($0) * Self.second / 100) }
        // Within ten minutes: at 0, 5, 15, 35, 75, 155, 315 s.
        #expect(told == [0, 499, 999, 1999, 3999, 7999, 15999])
    }

    @Test func pausesHaveALimit() {
        var pauses = LogPauses()
        let hours = 10
        let told = (0..<hours * 3600).compactMap { pauses.unmentioned(before: UInt64($0) * Self.second) }
        #expect(told.count > hours * 11 && told.max() == 299)
    }

    @Test func afterAQuietTimeTheNextOneIsNewsAgain() {
        var pauses = LogPauses()
        let times: [(UInt64, Int?)] = [
            (0, 0), (1, nil), (6, 1), (7, nil), (30, 1),
            // Nobody for more than twice the pause of 20 s: from here on as at the beginning.
            (1000, 0), (1004, nil), (1005, 1),
        ]
        for (time, expected) in times {
            let unmentioned = pauses.unmentioned(before: time * Self.second)
            #expect(unmentioned == expected, "at \(time) s")
        }
    }
}
