// What is kept between the two rounds of a step, and for how long.

import Coordination
import TestKit
import Testing

@Suite struct FirstRoundsTests {
    private func first(_ id: UInt64, step: UInt64 = 1, _ from: Int = 0, _ count: Int = 4, run: RunID = Script.run)
        -> ShardLease
    {
        Script.lease(id, step: step, from, count, of: 8, run: run, task: .embeddings)
    }

    private func second(
        _ id: UInt64, reuses: UInt64, step: UInt64 = 2, _ from: Int = 0, _ count: Int = 4, run: RunID = Script.run
    ) -> ShardLease {
        Script.lease(id, step: step, from, count, of: 8, run: run, task: .gradientsOfLatents, reuses: reuses)
    }

    private func objection(_ rounds: FirstRounds<String, String>, _ lease: ShardLease) -> Bool {
        rounds.objection(to: .shard(lease, Samples.content)) != nil
    }

    @Test func theImagesOfTheFirstRoundServeTheSecond() {
        var rounds = FirstRounds<String, String>()
        #expect(rounds.images(of: first(3), cameWith: "images") == "images")
        #expect(!objection(rounds, second(5, reuses: 3)))
        #expect(rounds.images(of: second(5, reuses: 3), cameWith: "") == "images")
        #expect(rounds.passes(for: second(5, reuses: 3)) == nil)
        let isKept = rounds.note("passes", of: first(3))
        #expect(isKept && rounds.passes(for: second(5, reuses: 3)) == "passes")
        // Whoever has none brings its own.
        #expect(rounds.images(of: second(6, reuses: 0), cameWith: "own") == "own")
        #expect(rounds.passes(for: second(6, reuses: 0)) == nil)
    }

    @Test func imagesThatAreNotHereAreNotReused() {
        var rounds = FirstRounds<String, String>()
        _ = rounds.images(of: first(3), cameWith: "images")
        let other = RunID(high: 1, low: 3)
        for lease in [
            second(5, reuses: 2), second(5, reuses: 3, 4, 4), second(5, reuses: 3, 0, 3), second(5, reuses: 3, step: 4),
            second(5, reuses: 3, run: other),
        ] {
            #expect(objection(rounds, lease), "\(lease)")
        }
        #expect(rounds.objection(to: .ping(run: Script.run)) == nil)
        #expect(!objection(rounds, second(5, reuses: 0)))
    }

    @Test func whatNobodyCanAskForIsLetGo() {
        var rounds = FirstRounds<String, String>()
        for (id, step) in [(1, 1), (2, 3)] as [(UInt64, UInt64)] {
            _ = rounds.images(of: first(id, step: step), cameWith: "images \(id)")
            _ = rounds.note("passes \(id)", of: first(id, step: step))
        }
        #expect(rounds.forget(before: 2) == [])
        #expect(!objection(rounds, second(5, reuses: 1)))
        #expect(rounds.forget(before: 3) == ["passes 1"])
        #expect(objection(rounds, second(5, reuses: 1)) && !objection(rounds, second(5, reuses: 2, step: 4)))
        #expect(rounds.forgetAll() == ["passes 2"])
        #expect(objection(rounds, second(5, reuses: 2, step: 4)))
    }

    @Test func aLeaseOfTheRunBeforeLeavesNothingToOneOfTheSameNumber() {
        var rounds = FirstRounds<String, String>()
        _ = rounds.images(of: first(3), cameWith: "old")
        // The run goes back while the lease is being computed.
        _ = rounds.forgetAll()
        let new = RunID(high: Script.run.high, low: Script.run.low + 1)
        _ = rounds.images(of: first(3, run: new), cameWith: "new")
        let isKept = rounds.note("old passes", of: first(3))
        #expect(!isKept)
        #expect(rounds.passes(for: second(5, reuses: 3, run: new)) == nil)
        #expect(rounds.images(of: second(5, reuses: 3, run: new), cameWith: "") == "new")
    }

    @Test func aLeaseThatComesTwiceKeepsItsPasses() {
        var rounds = FirstRounds<String, String>()
        for passes in ["one", "two"] {
            _ = rounds.images(of: first(3), cameWith: "images")
            let isKept = rounds.note(passes, of: first(3))
            #expect(isKept == (passes == "one"))
        }
        #expect(rounds.forgetAll() == ["one"])
    }
}
