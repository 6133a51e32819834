// The coordinator's core as straight scripts, what happened and what it wants done: steps, their leases, and late ones.

import Coordination
import TestKit
import Testing

@Suite struct CoordinatorCoreTests {
    private let a = PeerID(rawValue: 1)
    private let b = PeerID(rawValue: 2)
    private let c = PeerID(rawValue: 3)

    @Test func oneStepWithTwoWorkers() {
        var core = Script.core(a, b)
        let (left, right) = (Script.lease(1, 0, 4, of: 8), Script.lease(2, shard: 1, 4, 4, of: 8))
        #expect(
            core.beginStep(1, extent: Script.extent(8), weights: Script.weights, now: Script.start)
                == [.weights(step: 1, to: a), .lease(left, to: a), .weights(step: 1, to: b), .lease(right, to: b)])
        #expect(core.onMessage(Script.answer(right), from: b, now: Script.at(9)) == [.accept(right)])
        #expect(
            core.onMessage(Script.answer(left), from: a, now: Script.at(10))
                == [.accept(left), .stepComplete(1)])
        #expect(
            core.beginStep(2, extent: Script.extent(8), weights: Script.weights, now: Script.at(11)).leases.map(
                \.lease.step) == [2, 2])
    }

    @Test func aPreparedStepBeginsWithItsWeightsAlone() {
        var core = Script.core(a, b)
        let extent = Script.extent(8)
        let now = core.beginStep(1, extent: extent, weights: Script.weights, now: Script.start).leases.map(\.lease)
        let ahead = core.prepareStep(2, extent: extent, now: Script.at(1)).leases.map(\.lease)
        #expect(ahead == [Script.lease(3, step: 2, 0, 4, of: 8), Script.lease(4, step: 2, shard: 1, 4, 4, of: 8)])
        // An answer ahead of its weights is none.
        #expect(
            core.onMessage(Script.answer(ahead[0]), from: a, now: Script.at(2))
                == [.ignore(a, .wrongStep(expected: 1, got: 2))])
        for (lease, peer) in zip(now, [a, b]) {
            _ = core.onMessage(Script.answer(lease), from: peer, now: Script.at(10))
        }
        #expect(
            core.beginStep(2, extent: extent, weights: Script.weights, now: Script.at(11)) == [
                .weights(step: 2, to: a), .weights(step: 2, to: b),
            ])
        #expect(
            core.onMessage(Script.answer(ahead[0]), from: a, now: Script.at(20)) == [.accept(ahead[0])])
    }

    @Test func whatWasPreparedForALostWorkerGoesToAnother() {
        var core = Script.core(a, b)
        let extent = Script.extent(8)
        let now = core.beginStep(1, extent: extent, weights: Script.weights, now: Script.start).leases.map(\.lease)
        _ = core.prepareStep(2, extent: extent, now: Script.at(1))
        _ = core.onMessage(Script.answer(now[0]), from: a, now: Script.at(9))
        _ = core.onMessage(Script.answer(now[1]), from: b, now: Script.at(10))
        _ = core.onUnreachable(a, now: Script.at(10))
        #expect(
            core.beginStep(2, extent: extent, weights: Script.weights, now: Script.at(11))
                == [
                    .weights(step: 2, to: b), .lease(Script.lease(5, step: 2, 0, 4, of: 8), to: b),
                ])
    }

    @Test func aPreparedLeaseIsAsSoonLateAsAnyOther() {
        for isPrepared in [false, true] {
            var core = Script.core(a, b)
            let extent = Script.extent(8)
            let first = core.beginStep(1, extent: extent, weights: Script.weights, now: Script.start).leases
            var leases = isPrepared ? core.prepareStep(2, extent: extent, now: Script.at(1)).leases : []
            for (lease, peer) in first { _ = core.onMessage(Script.answer(lease), from: peer, now: Script.at(10)) }
            let begun = core.beginStep(2, extent: extent, weights: Script.weights, now: Script.at(10)).leases
            if !isPrepared { leases = begun }
            _ = core.onMessage(Script.answer(leases[1].lease), from: b, now: Script.at(20))
            // 10 ms were expected: the floor of a quarter of a second holds.
            #expect(core.onDeadline(now: Script.at(259)).leases.isEmpty)
            #expect(core.onDeadline(now: Script.at(260)).leases.map(\.peer) == [b], "prepared: \(isPrepared)")
        }
    }

    @Test func aLostWorkersShardGoesToTheOtherOne() {
        var core = Script.core(a, b)
        let leases = core.beginStep(1, extent: Script.extent(8), weights: Script.weights, now: Script.start).leases
        let lost = core.workers[0]
        let again = Script.lease(3, 0, 4, of: 8)
        #expect(core.onUnreachable(a, now: Script.at(1)) == [.lost(lost, .unreachable), .lease(again, to: b)])
        #expect(core.onUnreachable(a, now: Script.at(1)) == [])
        #expect(
            core.onMessage(Script.answer(leases[0].lease), from: a, now: Script.at(2))
                == [.ignore(a, .notAdmitted), .goodbye(a, .evicted)])
    }

    @Test func nobodyIsThereIsSaidOnceAndTheStepGoesOn() {
        var core = Script.core(a)
        _ = core.beginStep(1, extent: Script.extent(4), weights: Script.weights, now: Script.start)
        let worker = core.workers[0]
        #expect(core.onUnreachable(a, now: Script.at(1)) == [.lost(worker, .unreachable), .noWorkers])
        #expect(core.nextDeadline == nil)
        let actions = core.onMessage(Script.hello(2), from: b, now: Script.at(3_600_000))
        let again = Script.lease(2, 0, 4, of: 4)
        #expect(
            actions == [
                .welcome(b), .joined(core.workers[0]), .workersBack, .weights(step: 1, to: b), .lease(again, to: b),
            ])
    }

    @Test func aStepWithoutWorkersWaitsForTheFirst() {
        var core = Script.coordinator()
        #expect(core.beginStep(1, extent: Script.extent(4), weights: Script.weights, now: Script.start) == [.noWorkers])
        let actions = core.onMessage(Script.hello(1), from: a, now: Script.at(5))
        #expect(
            actions.suffix(3) == [
                .workersBack, .weights(step: 1, to: a), .lease(Script.lease(1, 0, 4, of: 4), to: a),
            ])
    }

    @Test func aLateShardGoesToAnIdleWorkerAndTheSecondAnswerIsCompared() {
        var core = Script.core(a, b, c)
        let leases = core.beginStep(1, extent: Script.extent(12), weights: Script.weights, now: Script.start).leases
            .map(\.lease)
        // b is done, a and c stay busy; everybody reports, so nobody is silent.
        _ = core.onMessage(Script.answer(leases[1]), from: b, now: Script.at(10))
        for second in 1...4 as ClosedRange<UInt64> {
            for peer in [a, b, c] {
                let busy = Progress(run: Script.run, step: 1, lease: peer.rawValue, microbatchesDone: 0)
                let report = peer == b ? Script.idle() : .progress(busy)
                #expect(core.onMessage(report, from: peer, now: Script.at(second * 1000)).leases.isEmpty)
            }
        }
        // Both are late; b is idle and gets the first, then has no hand free for the other.
        let second = Script.lease(4, 0, 4, of: 12)
        #expect(core.onDeadline(now: Script.at(5_000)).leases.map(\.lease) == [second])
        #expect(core.onMessage(Script.answer(leases[0]), from: a, now: Script.at(5_010)).first == .accept(leases[0]))
        #expect(core.onMessage(Script.answer(second), from: b, now: Script.at(5_020)).first == .confirmed(second))
        #expect(
            core.onMessage(Script.answer(second), from: b, now: Script.at(5_030)) == [.ignore(b, .unknownLease(4))])
    }

    @Test func whoDoesNotAnswerGetsNothingMoreUntilHeSpeaks() {
        var core = Script.core(a, b)
        let extent = Script.extent(8)
        func begin(_ step: UInt64, _ now: Instant) -> [PeerID] {
            let leases = core.beginStep(step, extent: extent, weights: Script.weights, now: now).leases
            for (lease, peer) in leases where peer == b || step == 1 {
                _ = core.onMessage(Script.answer(lease), from: peer, now: now + .milliseconds(10))
            }
            return leases.map(\.peer)
        }
        #expect(begin(1, Script.start) == [a, b])
        // a is stopped: b does its shard after a quarter of a second, and all of the next step.
        #expect(begin(2, Script.at(100)) == [a, b])
        let late = core.onDeadline(now: Script.at(350)).leases
        #expect(late.map(\.peer) == [b])
        _ = core.onMessage(Script.answer(late[0].lease), from: b, now: Script.at(360))
        #expect(begin(3, Script.at(370)) == [b])
        _ = core.onMessage(Script.idle(), from: a, now: Script.at(380))
        #expect(begin(4, Script.at(390)) == [a, b])
    }

    @Test func aLeaseLostOnTheWayIsGivenAgainToTheSameWorker() {
        var core = Script.core(a)
        _ = core.beginStep(1, extent: Script.extent(4), weights: Script.weights, now: Script.start)
        for second in 1...4 as ClosedRange<UInt64> {
            #expect(core.onMessage(Script.idle(), from: a, now: Script.at(second * 1000)) == [])
        }
        let again = Script.lease(2, 0, 4, of: 4)
        #expect(
            core.onMessage(Script.idle(), from: a, now: Script.at(5_000)) == [
                .weights(step: 1, to: a), .lease(again, to: a),
            ])
    }

    @Test func fasterWorkersGetMore() {
        var core = Script.core(a, b)
        for step in 1...20 as ClosedRange<UInt64> {
            for (lease, peer) in core.beginStep(
                step, extent: Script.extent(40), weights: Script.weights, now: Script.at(step)
            ).leases {
                let time = UInt64(lease.range.count) * (peer == a ? 10 : 30)
                _ = core.onMessage(Script.answer(lease, milliseconds: time), from: peer, now: Script.at(step))
            }
        }
        let last = core.beginStep(21, extent: Script.extent(40), weights: Script.weights, now: Script.at(21)).leases
            .map(\.lease.range.count)
        #expect(last == [30, 10])
    }

    @Test func atMostTwoLeasesPerWorker() {
        var core = Script.core(a, b, c)
        _ = core.beginStep(1, extent: Script.extent(12), weights: Script.weights, now: Script.start)
        let leaving = WorkerMessage.goodbye(run: Script.run, reason: "SIGTERM")
        #expect(core.onMessage(leaving, from: a, now: Script.at(1)).leases.map(\.peer) == [b])
        #expect(core.onMessage(leaving, from: b, now: Script.at(2)).leases.map(\.peer) == [c])
        #expect(
            core.onMessage(Script.answer(Script.lease(3, shard: 2, 8, 4, of: 12)), from: c, now: Script.at(3))
                .leases.count == 1)
    }
}
