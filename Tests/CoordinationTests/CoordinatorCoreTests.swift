// The coordinator's core as straight scripts: what happened, what it wants done.

import Coordination
import TestKit
import Testing

@Suite struct CoordinatorCoreTests {
    private let a = PeerID(rawValue: 1)
    private let b = PeerID(rawValue: 2)
    private let c = PeerID(rawValue: 3)

    /// A core with workers admitted at the start.
    private func core(_ peers: PeerID...) -> CoordinatorCore {
        var core = Script.coordinator()
        for peer in peers { _ = core.onMessage(Script.hello(peer.rawValue), from: peer, now: Script.start) }
        return core
    }

    @Test func oneStepWithTwoWorkers() {
        var core = core(a, b)
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
        var core = core(a, b)
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
        var core = core(a, b)
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
            var core = core(a, b)
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

    @Test func whoIsAtTheDoor() {
        var core = Script.coordinator()
        let actions = core.onMessage(Script.hello(7), from: a, now: Script.start)
        #expect(actions == [.welcome(a), .joined(core.workers[0])])
        #expect(core.onMessage(Script.hello(7), from: a, now: Script.start) == [.welcome(a)])
        let old = core.workers[0]
        let again = core.onMessage(Script.hello(8), from: a, now: Script.start)
        #expect(again == [.lost(old, .replaced), .welcome(a), .joined(core.workers[0])])
        #expect(core.workers.map(\.incarnation) == [8 << WorkerIdentity.registrationBits])
    }

    @Test func otherBuildsAreRefusedWithBothSidesNamed() {
        var core = Script.coordinator()
        let foreign = BuildIdentity(protocolVersion: 77, numericsVersion: 9, selfTest: Samples.digest)
        let other = BuildIdentity(numericsVersion: 9, selfTest: SelfTestDigest(words: [9, 9, 9, 9]))
        let older = BuildIdentity(numericsVersion: 8, selfTest: Samples.digest)
        let cases: [(WorkerMessage, Refuse.Code, [String])] = [
            (.foreignHello(foreign), .protocolVersion, ["77", "4"]),
            (Script.hello(1, build: older), .numericsVersion, ["8", "9"]),
            (Script.hello(1, build: other), .selfTest, ["\(other.selfTest)", "\(Samples.digest)"]),
        ]
        for (message, code, words) in cases {
            guard case .refuse(a, let refusal)? = core.onMessage(message, from: a, now: Script.start).first else {
                Issue.record("\(message) was not refused")
                continue
            }
            #expect(refusal.code == code && words.allSatisfy(refusal.reason.contains))
        }
        #expect(core.workers.isEmpty)
    }

    @Test func aLostWorkersShardGoesToTheOtherOne() {
        var core = core(a, b)
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
        var core = core(a)
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
        var core = core(a, b, c)
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
        var core = core(a, b)
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
        var core = core(a)
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

    @Test func silenceEvicts() {
        var core = core(a)
        let worker = core.workers[0]
        for second in 1...9 as ClosedRange<UInt64> {
            #expect(core.onDeadline(now: Script.at(second * 1000)) == [.ping(a)])
        }
        #expect(
            core.onDeadline(now: Script.at(10_000))
                == [.goodbye(a, .evicted), .lost(worker, .silent(limit: .seconds(10)))])
    }

    @Test func theCoordinatorsOwnSleepIsNobodysSilence() {
        var core = core(a)
        #expect(core.onDeadline(now: Script.at(60_000)) == [.ping(a)])
        #expect(core.workers.count == 1)
    }

    @Test func strangeAnswersAreIgnoredWithAReason() {
        var core = core(a, b)
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
        var core = core(a, b)
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
        var core = core(a, b)
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
        var core = core(a, b, c)
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

    @Test func fasterWorkersGetMore() {
        var core = core(a, b)
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
        var core = core(a, b, c)
        _ = core.beginStep(1, extent: Script.extent(12), weights: Script.weights, now: Script.start)
        let leaving = WorkerMessage.goodbye(run: Script.run, reason: "SIGTERM")
        #expect(core.onMessage(leaving, from: a, now: Script.at(1)).leases.map(\.peer) == [b])
        #expect(core.onMessage(leaving, from: b, now: Script.at(2)).leases.map(\.peer) == [c])
        #expect(
            core.onMessage(Script.answer(Script.lease(3, shard: 2, 8, 4, of: 12)), from: c, now: Script.at(3))
                .leases.count == 1)
    }

    @Test func stopSendsEverybodyHome() {
        var core = core(a, b)
        #expect(core.stop(.finished, now: Script.start) == [.goodbye(a, .finished), .goodbye(b, .finished)])
        #expect(core.onMessage(Script.hello(3), from: c, now: Script.start) == [.goodbye(c, .finished)])
        #expect(core.nextDeadline == nil)
    }

    @Test func aMalformedMessageEvictsAndTheThirdOneIsTheLast() {
        var core = core(a)
        for attempt in 1...3 {
            let worker = core.workers[0]
            let actions = core.onMalformed(.wrongMagic(1), from: a, now: Script.start)
            #expect(actions[0] == .ignore(a, .malformed(.wrongMagic(1))))
            #expect(actions.last == .lost(worker, .malformedMessage(.wrongMagic(1))) && core.workers.isEmpty)
            let isRefused = if case .refuse = actions[1] { true } else { false }
            #expect(isRefused == (attempt == 3))
            _ = core.onMessage(Script.hello(a.rawValue), from: a, now: Script.start)
        }
    }

    @Test func strikesOfProcessesThatShareAKeyDoNotAddUp() {
        var core = Script.coordinator()
        for peer in [a, b, c] {
            _ = core.onMessage(Script.hello(peer.rawValue), from: peer, credential: "all", now: Script.start)
        }
        for peer in [a, b, c] {
            #expect(core.onMalformed(.wrongMagic(1), from: peer, now: Script.start).contains(.goodbye(peer, .evicted)))
        }
    }

    @Test func aStrangerWhoTalksNonsenseIsRefused() {
        var core = Script.coordinator()
        let actions = core.onMalformed(.wrongMagic(1), from: a, now: Script.start)
        let isRefused = if case .refuse? = actions.last { true } else { false }
        #expect(isRefused)
    }

    @Test func damageOnTheWayIsNobodysFault() {
        var core = core(a)
        for _ in 1...10 {
            let actions = core.onMalformed(.damaged(frame: nil), from: a, now: Script.start)
            #expect(actions.contains(.goodbye(a, .evicted)))
            #expect(core.onMessage(Script.hello(a.rawValue), from: a, now: Script.start).first == .welcome(a))
        }
    }

    @Test func aWorkerThatComesBackOnAnotherConnectionReplacesItself() {
        var core = core(a, b)
        let leases = core.beginStep(1, extent: Script.extent(8), weights: Script.weights, now: Script.start).leases
        let old = core.workers[0]
        let actions = core.onMessage(Script.hello(a.rawValue), from: c, now: Script.at(1))
        #expect(actions.first == .lost(old, .moved))
        #expect(core.workers.map(\.peer) == [b, c])
        #expect(actions.leases.map(\.lease.range) == [leases[0].lease.range])
    }

    @Test func whoeverComesWhenAllPlacesAreTakenIsRefused() {
        var configuration = CoordinatorConfiguration(run: Script.run, build: Script.build, imagesPerExample: 2)
        configuration.maximumWorkers = 1
        var core = CoordinatorCore(configuration: configuration, now: Script.start)
        _ = core.onMessage(Script.hello(1), from: a, now: Script.start)
        guard case .refuse(b, let refusal)? = core.onMessage(Script.hello(2), from: b, now: Script.start).last else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.code == .full && core.workers.count == 1)
    }

    @Test func aDoubtfulLinkIsPingedAtOnceAndAFewTimesMore() {
        var core = core(a, b)
        #expect(core.onLinkDoubt(a, now: Script.at(1)) == [.ping(a)])
        var pings: [UInt64] = []
        while let deadline = core.nextDeadline, deadline < Script.at(900) {
            for action in core.onDeadline(now: deadline) where action == .ping(a) {
                pings.append((deadline - Script.start).nanoseconds / 1_000_000)
            }
        }
        #expect(pings == [3, 11, 43])
        #expect(core.onLinkDoubt(c, now: Script.at(900)).isEmpty)
    }

    @Test func whoFailsWhereOthersDoNotIsSentAwayAtLast() {
        var core = core(a, b)
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
        var core = core(a)
        let lease = core.beginStep(1, extent: Script.extent(4), weights: Script.weights, now: Script.start).leases[0]
            .lease
        let again = Script.lease(2, 0, 4, of: 4)
        #expect(
            core.onMessage(Script.answer(lease, weights: 5), from: a, now: Script.at(1)) == [
                .ignore(a, .wrongWeights(lease: 1)), .weights(step: 1, to: a), .lease(again, to: a),
            ])
    }
}
