// The coordinator's core as straight scripts: answers that are not taken, shards that fail, and workers that fail on them.

import Coordination
import TestKit
import Testing

@Suite struct CoordinatorFailureTests {
    private let a = PeerID(rawValue: 1)
    private let b = PeerID(rawValue: 2)
    private let c = PeerID(rawValue: 3)

    @Test func strangeAnswersAreIgnoredWithAReason() {
        var core = Script.core(a, b)
        let leases = core.beginStep(5, extent: Script.extent(8), weights: Script.weights, now: Script.start).leases.map(
            \.lease)
        let other = RunID(high: 9, low: 9)
        let cases: [(WorkerMessage, IgnoreReason)] = [
            (
                Script.answer(Script.lease(1, step: 5, 0, 4, of: 8, run: other)),
                .wrongRun(expected: Script.run, got: other)
            ),
            (Script.answer(Script.lease(1, step: 4, 0, 4, of: 8)), .wrongStep(expected: 5, got: 4)),
            (Script.answer(leases[1]), .unknownLease(2)),
            (Script.answer(Script.lease(77, step: 5, 0, 4, of: 8)), .unknownLease(77)),
        ]
        for (message, reason) in cases {
            #expect(core.onMessage(message, from: a, now: Script.at(1)) == [.ignore(a, reason)])
        }
        // The right lease with the wrong nodes is a failed attempt: the shard goes elsewhere.
        let wrong = core.onMessage(Script.answer(Script.lease(1, step: 5, 0, 2, of: 8)), from: a, now: Script.at(2))
        #expect(
            wrong == [
                .ignore(a, .wrongNodes(lease: 1)), .lease(Script.lease(3, step: 5, 0, 4, of: 8), to: b),
            ])
    }

    @Test func aShardThatFailsThreeTimesEndsTheStep() {
        var core = Script.core(a, b)
        var lease = core.beginStep(1, extent: Script.extent(1), weights: Script.weights, now: Script.start).leases[0]
        var tried: [PeerID] = []
        for attempt in 1...2 {
            tried.append(lease.peer)
            let failure = Failure(answering: lease.lease, reason: "attempt \(attempt)")
            lease = core.onMessage(.failure(failure), from: lease.peer, now: Script.at(1)).leases[0]
        }
        #expect(Set(tried) == [a, b], "the second attempt is somebody else's")
        let last = Failure(answering: lease.lease, reason: "attempt 3")
        guard case .shardFailed(let failure)? = core.onMessage(.failure(last), from: lease.peer, now: Script.at(2)).last
        else {
            Issue.record("the step did not fail")
            return
        }
        #expect(failure.shard == 0 && failure.attempts.count == 3 && "\(failure)".contains("attempt 2"))
        #expect(core.onDeadline(now: Script.at(3)).leases.isEmpty)
    }

    @Test func whoHasFailedOnAShardWaitsForOthersThatAreBusy() throws {
        var core = Script.core(a, b)
        func begin(_ step: UInt64) -> [(lease: ShardLease, peer: PeerID)] {
            core.beginStep(step, extent: Script.extent(8), weights: Script.weights, now: Script.at(step * 10)).leases
        }
        for (lease, peer) in begin(1) { _ = core.onMessage(Script.answer(lease), from: peer, now: Script.at(19)) }
        let leases = begin(2)
        let (bad, good) = (leases[0].lease, leases[1].lease)
        let again = core.onMessage(.failure(Failure(answering: bad, reason: "1")), from: a, now: Script.at(21)).leases
        #expect(again.map(\.peer) == [b])
        // b stops, and both shards are late. a is idle and does b's own one, but not the one that it cannot do.
        let late = core.onDeadline(now: Script.at(600)).leases
        #expect(late.map(\.lease.range) == [good.range] && late.map(\.peer) == [a])
        let other = try #require(late.first).lease
        #expect(core.onMessage(Script.answer(other), from: a, now: Script.at(610)).leases.isEmpty)
        #expect(core.onMessage(Script.idle(), from: a, now: Script.at(1_600)).leases.isEmpty)
        // Without b, a is all there is.
        #expect(core.onUnreachable(b, now: Script.at(1_610)).leases.map(\.peer) == [a])
    }

    @Test func oneBadWorkerAmongBusyOnesEndsNothing() {
        var core = Script.core(a, b, c)
        let leases = core.beginStep(1, extent: Script.extent(12), weights: Script.weights, now: Script.start).leases
        // Whatever a is given, it fails; b and c answer late.
        var open = leases.filter { $0.peer == a }
        var attempts = 0
        while let (lease, _) = open.popLast() {
            attempts += 1
            let actions = core.onMessage(.failure(Failure(answering: lease, reason: "no")), from: a, now: Script.at(1))
            open += actions.leases.filter { $0.peer == a }
        }
        #expect(attempts == 1)
    }

    @Test func thatAllDieAtOnceIsNotTheShardsFault() {
        let peers = (1...30).map { PeerID(rawValue: $0) }
        var core = Script.coordinator()
        for peer in peers { _ = core.onMessage(Script.hello(peer.rawValue), from: peer, now: Script.start) }
        _ = core.beginStep(1, extent: Script.extent(8), weights: Script.weights, now: Script.start)
        // Each death is noticed by itself.
        for (index, peer) in peers.enumerated() {
            let actions = core.onUnreachable(peer, now: Script.at(UInt64(index)))
            let failed = actions.contains { if case .shardFailed = $0 { true } else { false } }
            #expect(!failed)
        }
        let newcomer = PeerID(rawValue: 99)
        #expect(!core.onMessage(Script.hello(99), from: newcomer, now: Script.at(500)).leases.isEmpty)
    }

    @Test func aShardThatWorkersVanishOnEndsTheStepAtLast() {
        var core = Script.coordinator()
        _ = core.beginStep(1, extent: Script.extent(1), weights: Script.weights, now: Script.start)
        for attempt in 1...10 as ClosedRange<UInt64> {
            let peer = PeerID(rawValue: attempt)
            _ = core.onMessage(Script.hello(attempt), from: peer, now: Script.at(2 * attempt))
            let failed = core.onUnreachable(peer, now: Script.at(2 * attempt + 1)).contains {
                if case .shardFailed = $0 { true } else { false }
            }
            #expect(failed == (attempt == 10))
        }
    }

    @Test func whoFailsWhereOthersDoNotIsSentAwayAtLast() {
        var core = Script.core(a, b)
        var sentAway: [UInt64] = []
        for step in 1...4 as ClosedRange<UInt64> {
            let now = Script.at(step * 10)
            for (lease, peer) in core.beginStep(step, extent: Script.extent(8), weights: Script.weights, now: now)
                .leases
            {
                guard peer == a else {
                    _ = core.onMessage(Script.answer(lease), from: peer, now: now)
                    continue
                }
                let failure = WorkerMessage.failure(Failure(answering: lease, reason: "no"))
                for (again, other) in core.onMessage(failure, from: a, now: now).leases {
                    #expect(other == b)
                    let actions = core.onMessage(Script.answer(again), from: b, now: now)
                    let isRefused = actions.contains { if case .refuse(a, _) = $0 { true } else { false } }
                    if isRefused { sentAway.append(step) }
                }
            }
        }
        #expect(sentAway == [3] && core.workers.map(\.peer) == [b])
    }

    @Test func sumsAtDamagedWeightsAreNotTaken() {
        var core = Script.core(a)
        let lease = core.beginStep(1, extent: Script.extent(4), weights: Script.weights, now: Script.start).leases[0]
            .lease
        let again = Script.lease(2, 0, 4, of: 4)
        #expect(
            core.onMessage(Script.answer(lease, weights: 5), from: a, now: Script.at(1)) == [
                .ignore(a, .wrongWeights(lease: 1)), .weights(step: 1, to: a), .lease(again, to: a),
            ])
    }
}
