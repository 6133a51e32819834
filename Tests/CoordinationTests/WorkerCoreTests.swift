// The worker's core as straight scripts: what happened, what it wants done.

import Coordination
import TestKit
import Testing

@Suite struct WorkerCoreTests {
    private let welcome = Welcome(run: Script.run, parameterCount: 5, jobDescription: [])

    private func admitted() -> WorkerCore {
        var core = Script.worker()
        _ = core.onMessage(.welcome(welcome), now: Script.start)
        return core
    }

    /// A worker with the weights of step 1.
    private func ready() -> WorkerCore {
        var core = admitted()
        _ = core.onMessage(.weights(run: Script.run, step: 1, fingerprint: 0), now: Script.start)
        return core
    }

    @Test func computesAndAnswers() {
        var core = ready()
        let lease = Script.lease(1, 0, 4, of: 8)
        #expect(core.onMessage(.shard(lease, Samples.content), now: Script.at(1)) == [.keep(lease), .compute(lease)])
        let nodes = Script.summaries(lease)
        let times = WorkTimes(idle: Script.start, ready: Script.at(1), began: Script.at(1), ended: Script.at(4))
        #expect(
            core.onComputed(nodes: nodes, weights: Script.weights, now: Script.at(4))
                == [.send(.partials(Partials(answering: lease, times: times, weights: Script.weights, nodes: nodes)))])
    }

    @Test func aShardWaitsForTheWeightsOfItsStep() {
        var core = ready()
        let (first, next) = (Script.lease(1, 0, 4, of: 8), Script.lease(2, step: 2, 0, 4, of: 8))
        _ = core.onMessage(.shard(first, Samples.content), now: Script.at(1))
        #expect(core.onMessage(.shard(next, Samples.content), now: Script.at(2)) == [.keep(next)])
        _ = core.onComputed(nodes: [], weights: Script.weights, now: Script.at(4))
        // Nothing can be computed: it is idle, whatever waits.
        #expect(core.onDeadline(now: Script.at(1000)) == [.send(Script.idle())])
        #expect(
            core.onMessage(.weights(run: Script.run, step: 2, fingerprint: 0), now: Script.at(1001))
                == [.keepWeights(step: 2), .compute(next)])
        guard
            case .send(.partials(let partials))? = core.onComputed(
                nodes: [], weights: Script.weights, now: Script.at(1003)
            ).first
        else {
            Issue.record("no answer")
            return
        }
        #expect(
            partials.times
                == WorkTimes(idle: Script.at(4), ready: Script.at(1001), began: Script.at(1001), ended: Script.at(1003))
        )
    }

    @Test func weightsOfAnOlderStepAreIgnoredAndThoseThatComeAgainReplaceTheFirst() {
        var core = ready()
        _ = core.onMessage(.weights(run: Script.run, step: 5, fingerprint: 0), now: Script.start)
        #expect(
            core.onMessage(.weights(run: Script.run, step: 5, fingerprint: 0), now: Script.start)
                == [.keepWeights(step: 5)])
        #expect(
            core.onMessage(.weights(run: Script.run, step: 4, fingerprint: 0), now: Script.start)
                == [.ignore(.staleStep(current: 5, got: 4))])
    }

    @Test func helloIsRepeatedEverMoreSlowlyUntilItGivesUp() {
        var core = Script.worker()
        var hellos: [UInt64] = []
        var end: WorkerAction?
        while let deadline = core.nextDeadline, end == nil {
            for action in core.onDeadline(now: deadline) {
                if case .finish = action {
                    end = action
                } else {
                    hellos.append((deadline - Script.start).nanoseconds / 1_000_000)
                }
            }
        }
        #expect(hellos == [250, 750, 1750, 3750, 5750, 7750, 9750])
        #expect(end == .finish(.noCoordinator(limit: .seconds(10))))
    }

    @Test func waitsForEverIfToldTo() {
        var patience = WorkerPatience()
        patience.connectLimit = nil
        var core = Script.worker(patience: patience)
        for _ in 0..<10_000 { _ = core.onDeadline(now: core.nextDeadline ?? Script.start) }
        #expect(core.nextDeadline != nil)
    }

    @Test func queuesTwoBehindTheOneUnderWay() {
        var core = ready()
        let leases = (1...4).map { Script.lease(UInt64($0), shard: UInt32($0), $0, 1, of: 8) }
        #expect(
            core.onMessage(.shard(leases[0], Samples.content), now: Script.start) == [
                .keep(leases[0]), .compute(leases[0]),
            ])
        #expect(core.onMessage(.shard(leases[1], Samples.content), now: Script.start) == [.keep(leases[1])])
        #expect(core.onMessage(.shard(leases[2], Samples.content), now: Script.start) == [.keep(leases[2])])
        #expect(
            core.onMessage(.shard(leases[3], Samples.content), now: Script.start) == [
                .drop(leases[1]), .keep(leases[3]),
            ], "the coordinator has given up the oldest")
        #expect(
            core.onMessage(.shard(leases[1], Samples.content), now: Script.start) == [.ignore(.queueFull(limit: 2))])
        #expect(core.onMessage(.shard(leases[0], Samples.content), now: Script.start) == [.ignore(.duplicateLease(1))])
        #expect(core.onFailed(reason: "no", now: Script.start).last == .compute(leases[2]))
    }

    @Test func aNewStepDropsWhatIsQueuedForTheOld() {
        var core = ready()
        let (first, second) = (Script.lease(1, 0, 1, of: 8), Script.lease(2, shard: 1, 1, 1, of: 8))
        let next = Script.lease(3, step: 2, 0, 1, of: 8)
        _ = core.onMessage(.shard(first, Samples.content), now: Script.start)
        _ = core.onMessage(.shard(second, Samples.content), now: Script.start)
        _ = core.onMessage(.shard(next, Samples.content), now: Script.start)
        #expect(
            core.onMessage(.weights(run: Script.run, step: 2, fingerprint: 0), now: Script.start)
                == [.keepWeights(step: 2), .drop(second)])
        #expect(
            core.onMessage(.shard(second, Samples.content), now: Script.start) == [
                .ignore(.staleStep(current: 2, got: 1))
            ])
    }

    @Test func reportsProgressAlsoWhenIdle() {
        var core = ready()
        #expect(core.onDeadline(now: Script.at(1000)) == [.send(Script.idle())])
        _ = core.onMessage(.shard(Script.lease(1, 0, 4, of: 8), Samples.content), now: Script.at(1500))
        _ = core.onProgress(lease: 1, microbatchesDone: 3, now: Script.at(1600))
        let report = Progress(run: Script.run, step: 1, lease: 1, microbatchesDone: 3)
        #expect(core.onDeadline(now: Script.at(2000)) == [.send(.progress(report))])
    }

    @Test func anEvictedWorkerRegistersAnewAndItsOldResultIsDropped() {
        var core = ready()
        let (old, queued) = (Script.lease(1, 0, 4, of: 8), Script.lease(2, shard: 1, 4, 4, of: 8))
        _ = core.onMessage(.shard(old, Samples.content), now: Script.start)
        _ = core.onMessage(.shard(queued, Samples.content), now: Script.start)
        let actions = core.onMessage(.goodbye(run: Script.run, .evicted), now: Script.at(1))
        guard case .send(.hello(let hello))? = actions.last else {
            Issue.record("no hello in \(actions)")
            return
        }
        #expect(actions.first == .drop(queued) && hello.incarnation == 72)
        _ = core.onMessage(.welcome(welcome), now: Script.at(2))
        let fresh = Script.lease(3, 0, 4, of: 8)
        #expect(
            core.onMessage(.weights(run: Script.run, step: 1, fingerprint: 0), now: Script.at(3)) == [
                .keepWeights(step: 1)
            ])
        #expect(core.onMessage(.shard(fresh, Samples.content), now: Script.at(3)) == [.keep(fresh)])
        #expect(core.onComputed(nodes: [], weights: Script.weights, now: Script.at(4)) == [.compute(fresh)])
    }

    @Test func aRestartedCoordinatorsWelcomeVoidsTheOldRun() {
        var core = ready()
        let other = RunID(high: 8, low: 8)
        _ = core.onMessage(.shard(Script.lease(1, 0, 4, of: 8), Samples.content), now: Script.start)
        let renewed = Welcome(run: other, parameterCount: 5, jobDescription: [])
        #expect(core.onMessage(.welcome(renewed), now: Script.start) == [.prepare(renewed)])
        #expect(
            core.onMessage(.shard(Script.lease(2, 0, 4, of: 8), Samples.content), now: Script.start)
                == [.ignore(.wrongRun(expected: other, got: Script.run))])
        #expect(core.run == other)
    }

    @Test func everyEnd() {
        let refusal = Refuse(code: .selfTest, build: Script.build, reason: "no")
        var core = Script.worker()
        #expect(core.onMessage(.refuse(refusal), now: Script.start) == [.finish(.refused(refusal))])
        #expect(core.onMessage(.welcome(welcome), now: Script.start) == [] && core.nextDeadline == nil)
        core = admitted()
        #expect(
            core.onMessage(.goodbye(run: Script.run, .finished), now: Script.start) == [.finish(.finished(.finished))])
        core = admitted()
        #expect(
            core.onStop(reason: "SIGTERM", now: Script.start)
                == [.send(.goodbye(run: Script.run, reason: "SIGTERM")), .finish(.left)])
    }

    @Test func aLostCoordinatorIsLookedForUntilItIsBackOrTimeIsUp() {
        var core = admitted()
        for second in 1...9 as ClosedRange<UInt64> { _ = core.onDeadline(now: Script.at(second * 1000)) }
        guard case .send(.hello(let hello))? = core.onDeadline(now: Script.at(10_000)).last else {
            Issue.record("it does not register anew")
            return
        }
        #expect(hello.incarnation == 72 && core.run == nil)
        let next = Welcome(run: RunID(high: Script.run.high, low: 3), parameterCount: 5, jobDescription: [])
        var found = core
        #expect(found.onMessage(.welcome(next), now: Script.at(20_000)) == [.prepare(next)])
        var last: [WorkerAction] = []
        while let deadline = core.nextDeadline { last = core.onDeadline(now: deadline) }
        #expect(last == [.finish(.lostCoordinator(limit: .seconds(600)))])
    }

    @Test func aCoordinatorThatAnotherHasFollowedIsNotFollowed() {
        var core = admitted()
        let (older, newer) = (RunID(high: Script.run.high, low: 1), RunID(high: Script.run.high, low: 9))
        func welcome(_ run: RunID) -> CoordinatorMessage {
            .welcome(Welcome(run: run, parameterCount: 5, jobDescription: []))
        }
        #expect(
            core.onMessage(welcome(older), now: Script.start)
                == [.ignore(.outdatedCoordinator(newest: Script.run, got: older))])
        _ = core.onMessage(welcome(newer), now: Script.start)
        #expect(core.run == newer)
        // Not even evicted, or sent home, by it.
        for reason in GoodbyeReason.allCases {
            #expect(
                core.onMessage(.goodbye(run: Script.run, reason), now: Script.start)
                    == [.ignore(.outdatedCoordinator(newest: newer, got: Script.run))])
        }
        _ = core.onMessage(.goodbye(run: newer, .evicted), now: Script.start)
        #expect(
            core.onMessage(welcome(older), now: Script.start)
                == [.ignore(.outdatedCoordinator(newest: newer, got: older))])
        // Another job is another matter.
        _ = core.onMessage(welcome(RunID(high: 55, low: 1)), now: Script.start)
        #expect(core.run == RunID(high: 55, low: 1))
    }

    @Test func aLinkThatComesUpIsGreetedAtOnce() {
        var core = Script.worker()
        #expect(core.onLinkUp(now: Script.at(1)).count == 1)
        #expect(core.nextDeadline == Script.at(251))
        _ = core.onMessage(.welcome(welcome), now: Script.at(2))
        let lease = Script.lease(1, 0, 4, of: 8)
        _ = core.onMessage(.shard(lease, Samples.content), now: Script.at(3))
        // The coordinator knows the new connection under another name: what we had from it is void.
        guard case .send(.hello(let hello))? = core.onLinkUp(now: Script.at(4)).last else {
            Issue.record("it does not register anew")
            return
        }
        #expect(hello.incarnation == 72 && core.run == nil)
    }

    @Test func itsOwnSleepIsNotTheCoordinatorsSilence() {
        var core = admitted()
        #expect(core.onDeadline(now: Script.at(3_600_000)) == [.send(Script.idle())])
        #expect(core.onMessage(.ping(run: Script.run), now: Script.at(3_600_001)) == [])
    }

    @Test func nothingCountsBeforeTheWelcome() {
        var core = Script.worker()
        #expect(
            core.onMessage(.shard(Script.lease(1, 0, 4, of: 8), Samples.content), now: Script.start) == [
                .ignore(.notAdmitted)
            ])
        #expect(core.onMessage(.ping(run: Script.run), now: Script.start) == [.ignore(.notAdmitted)])
        #expect(core.onMessage(.goodbye(run: Script.run, .evicted), now: Script.start) == [.ignore(.notAdmitted)])
    }
}
