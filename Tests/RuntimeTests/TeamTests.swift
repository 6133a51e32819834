// Threads that are gathered once for many pieces of work: every task is done once, and done when `share` returns.
import Runtime
import Testing

@Suite struct TeamTests {
    @Test(arguments: [1, 2, 5]) func everyTaskOfManyPiecesIsDoneOnce(threads: Int) {
        let team = Team(threads: threads)
        let tasks = 23
        var counts = [Int](repeating: 0, count: tasks)
        let pieces = 4_000
        let answer = counts.withUnsafeMutableBufferPointer { counts in
            nonisolated(unsafe) let counts = counts
            return team.gather(threads) {
                for piece in 1...pieces {
                    team.share(tasks) { task in counts[task] += 1 }
                    // Each piece sees what was done in the one before.
                    guard counts.allSatisfy({ $0 == piece }) else { return piece }
                }
                return 0
            }
        }
        #expect(answer == 0, "not all tasks were done once after so many pieces")
        #expect(counts == [Int](repeating: pieces, count: tasks))
    }

    @Test func aTeamIsGatheredAgainAndAgain() {
        let team = Team(threads: 3)
        var sum = 0
        for round in 0..<200 {
            var parts = [Int](repeating: 0, count: 8)
            parts.withUnsafeMutableBufferPointer { parts in
                nonisolated(unsafe) let parts = parts
                team.gather(3) { team.share(8) { parts[$0] = round } }
            }
            sum += parts.reduce(0, +)
        }
        #expect(sum == 8 * 199 * 200 / 2)
    }

    @Test func aloneItIsALoop() {
        let team = Team(threads: 4)
        var order: [Int] = []
        team.share(5) { order.append($0) }
        team.gather(1) { team.share(2) { order.append($0) } }
        #expect(order == [0, 1, 2, 3, 4, 0, 1])
    }
}
