// The relay's core as straight scripts: what came from above or below, what it wants done.

import Coordination
import Testing

@Suite struct RelayCoreTests {
    private let a = PeerID(rawValue: 1)
    private let b = PeerID(rawValue: 2)
    private let c = PeerID(rawValue: 3)
    private let welcome = Welcome(run: Script.run, parameterCount: 5, jobDescription: [1, 2, 3])

    private func relay(lossLimit: Int = 10, connectLimit: Coordination.Duration? = .seconds(10)) -> RelayCore {
        var configuration = RelayConfiguration(
            build: Script.build, incarnation: 7 << WorkerIdentity.registrationBits, processID: 9, processName: "relay",
            examplesPerMicrobatch: 8)
        configuration.workersPatience.lossLimit = lossLimit
        configuration.patience.connectLimit = connectLimit
        return RelayCore(configuration: configuration, now: Script.start)
    }

    /// A relay that knows its job, with workers behind it.
    private func relay(with peers: PeerID..., lossLimit: Int = 10) -> RelayCore {
        var core = relay(lossLimit: lossLimit)
        for peer in peers { _ = core.onMessage(Script.hello(peer.rawValue), from: peer, now: Script.start) }
        _ = core.onMessage(.welcome(welcome), now: Script.start)
        return core
    }

    /// The relay has a lease and its weights; what it did then.
    private func give(_ lease: ShardLease, to core: inout RelayCore, at milliseconds: UInt64 = 1) -> [RelayAction] {
        let kept = core.onMessage(shard(lease), now: Script.at(milliseconds))
        let second = WeightsContent(weights: Script.weights, latentGradients: 16, latentGradient: 5)
        let message =
            lease.task == .gradientsOfLatents
            ? CoordinatorMessage.weights(run: lease.run, step: lease.step, content: second)
            : weights(of: lease.step, run: lease.run)
        return kept + core.onMessage(message, now: Script.at(milliseconds))
    }

    private func shard(_ lease: ShardLease) -> CoordinatorMessage {
        .shard(lease, ShardContent(pixels: 1, targets: 2))
    }

    private func weights(of step: UInt64, run: RunID = Script.run) -> CoordinatorMessage {
        .weights(run: run, step: step, fingerprint: Script.weights)
    }

    private func fail(_ lease: ShardLease, at peer: PeerID, _ core: inout RelayCore) -> [RelayAction] {
        core.onMessage(.failure(Failure(answering: lease, reason: "broken")), from: peer, now: Script.at(5))
    }

    @Test func saysHelloWhenSomebodyIsBehindIt() throws {
        var core = relay()
        #expect(core.onDeadline(now: Script.at(100)) == [])
        let actions = core.onMessage(Script.hello(70), from: a, now: Script.at(200))
        #expect(actions.hellos.map(\.threads) == [1])
        #expect(core.onMessage(Script.hello(71), from: b, now: Script.at(201)) == [])
        // Both are welcomed to the job, once it is known.
        let welcomed = core.onMessage(.welcome(welcome), now: Script.at(300))
        #expect(welcomed.first == .above(.prepare(welcome)))
        #expect(welcomed.contains(.below(.welcome(a))) && welcomed.contains(.below(.welcome(b))))
        #expect(core.workers.map(\.peer) == [a, b])
    }

    @Test func aStrangerIsRefusedOrSentBackBeforeTheJobIsKnown() {
        var core = relay()
        let other = BuildIdentity(numericsVersion: 99, selfTest: Script.build.selfTest)
        let refusal = core.onMessage(Script.hello(70, build: other), from: a, now: Script.at(1))
        #expect(refusal.contains { if case .below(.refuse(a, _)) = $0 { true } else { false } })
        // It worked for the relay that was here before.
        #expect(core.onMessage(Script.idle(), from: b, now: Script.at(2)).contains(.below(.goodbye(b, .evicted))))
    }

    @Test func whoDoesNotRepeatItsHelloWaitsNoLonger() {
        var core = relay(connectLimit: nil)
        _ = core.onMessage(Script.hello(70), from: a, now: Script.at(0))
        _ = core.onMessage(Script.hello(71), from: b, now: Script.at(1_000))
        for second in 1...9 as ClosedRange<UInt64> { _ = core.onDeadline(now: Script.at(second * 1_000)) }
        #expect(core.onDeadline(now: Script.at(10_000)).contains(.below(.goodbye(a, .evicted))))
        // Nobody is left: it is no worker any more.
        let actions = core.onDeadline(now: Script.at(11_000))
        #expect(actions.contains(.below(.goodbye(b, .evicted))) && core.nextDeadline == nil)
    }

    @Test func aLeaseIsCutAndItsNodesAreTheAnswer() throws {
        var core = relay(with: a, b)
        // 3 ..< 9 of 11 is neither a node nor aligned: 3, 4 ..< 8, 8.
        let lease = Script.lease(4, step: 3, shard: 2, 3, 6, of: 11)
        let actions = give(lease, to: &core)
        let parts = actions.below.leases
        #expect(actions.contains(.begin(lease)) && actions.contains(.below(.weights(step: 3, to: a))))
        #expect(parts.map(\.peer) == [a, b])
        #expect(parts.map(\.lease.range) == [MicrobatchRange(first: 3, count: 3), MicrobatchRange(first: 6, count: 3)])
        #expect(parts.flatMap(\.lease.nodes).map(\.first) == [3, 4, 6, 8])

        let first = core.onMessage(Script.answer(parts[1].lease), from: b, now: Script.at(10))
        #expect(first == [.below(.accept(parts[1].lease))])
        let last = core.onMessage(Script.answer(parts[0].lease), from: a, now: Script.at(12))
        #expect(last == [.below(.accept(parts[0].lease)), .sum(lease)])
        let nodes = Script.summaries(lease)
        let partials = try #require(core.onSummed(nodes: nodes, now: Script.at(12)).sent.partials)
        #expect(partials.lease == 4 && partials.nodes.map(\.node) == lease.nodes)
        // The speed of all its workers together is what the coordinator measures.
        #expect(partials.times.computing == .milliseconds(11))
    }

    @Test func theSecondRoundGoesToThoseWhoDidTheFirst() {
        var core = relay(with: a, b)
        let first = Script.lease(1, 0, 8, of: 16, task: .embeddings)
        let parts = give(first, to: &core).below.leases
        for part in parts { _ = core.onMessage(Script.answer(part.lease), from: part.peer, now: Script.at(9)) }
        _ = core.onSummed(nodes: Script.summaries(first), now: Script.at(9))
        let second = Script.lease(2, step: 2, 0, 8, of: 16, task: .gradientsOfLatents, reuses: 1)
        let again = give(second, to: &core, at: 10).below.leases
        #expect(again.map(\.peer) == [a, b] && again.map(\.lease.range) == parts.map(\.lease.range))
        #expect(again.map(\.lease.reuses) == parts.map(\.lease.lease))
        // The relay has the images of all of it.
        let moved = core.onUnreachable(a, now: Script.at(11)).below.leases
        #expect(moved.map(\.peer) == [b] && moved.map(\.lease.reuses) == [0])
    }

    @Test func whoHasTheWeightsOfTheFirstRoundGetsGradientsAlone() {
        var core = relay(with: a, b)
        let first = Script.lease(1, 0, 8, of: 16, task: .embeddings)
        for part in give(first, to: &core).below.leases {
            _ = core.onMessage(Script.answer(part.lease), from: part.peer, now: Script.at(9))
        }
        _ = core.onSummed(nodes: Script.summaries(first), now: Script.at(9))
        // A newcomer has none.
        _ = core.onMessage(Script.hello(9), from: c, now: Script.at(9))
        _ = core.onMessage(
            shard(Script.lease(2, step: 2, 0, 8, of: 16, task: .gradientsOfLatents, reuses: 1)), now: Script.at(10))
        let content = WeightsContent(weights: Script.weights, latentGradients: 16, latentGradient: 5)
        let actions = core.onMessage(.latentGradients(run: Script.run, step: 2, content: content), now: Script.at(10))
        #expect(actions.contains(.below(.latentGradients(step: 2, to: a))))
        #expect(actions.contains(.below(.latentGradients(step: 2, to: b))))
        let moved = core.onUnreachable(a, now: Script.at(11))
        #expect(moved.contains(.below(.weights(step: 2, to: c))))
    }

    @Test(arguments: [ShardTask.gradientsOfLatents, .gradients, .embeddings])
    func aLeaseWhoseWeightsAreOfAnotherRoundIsHandedBack(task: ShardTask) {
        var core = relay(with: a)
        let step: UInt64 = task == .gradientsOfLatents ? 2 : 1
        let lease = Script.lease(1, step: step, 0, 8, of: 16, task: task)
        _ = core.onMessage(shard(lease), now: Script.at(1))
        let gradients = task == .gradientsOfLatents ? 0 : 16
        let content = WeightsContent(weights: Script.weights, latentGradients: gradients, latentGradient: 5)
        let actions = core.onMessage(.weights(run: Script.run, step: step, content: content), now: Script.at(1))
        #expect(actions.contains(.above(.drop(lease))) && actions.below.isEmpty)
        let reason = "these weights are of another round"
        #expect(actions.contains(.above(.send(.failure(Failure(answering: lease, reason: reason))))))
    }

    @Test func examplesOfTheNextStepTravelAhead() {
        var core = relay(with: a, b)
        let now = Script.lease(1, 0, 4, of: 8)
        let next = Script.lease(2, step: 2, 0, 4, of: 8)
        let parts = give(now, to: &core).below.leases
        let ahead = core.onMessage(shard(next), now: Script.at(2))
        #expect(ahead.first == .above(.keep(next)) && ahead.below.leases.map(\.lease.step) == [2, 2])
        for part in parts { _ = core.onMessage(Script.answer(part.lease), from: part.peer, now: Script.at(9)) }
        _ = core.onSummed(nodes: Script.summaries(now), now: Script.at(9))
        #expect(
            core.onMessage(weights(of: 2), now: Script.at(11)) == [
                .above(.keepWeights(step: 2)), .begin(next), .below(.weights(step: 2, to: a)),
                .below(.weights(step: 2, to: b)),
            ])
    }

    @Test func twoLeasesOfOneStepAreComputedInTurn() {
        var core = relay(with: a)
        let (first, second) = (Script.lease(1, 0, 4, of: 8), Script.lease(2, shard: 1, 4, 4, of: 8))
        let part = give(first, to: &core).below.leases[0].lease
        #expect(core.onMessage(shard(second), now: Script.at(2)) == [.above(.keep(second))])
        #expect(core.onMessage(Script.answer(part), from: a, now: Script.at(9)).last == .sum(first))
        let then = core.onSummed(nodes: Script.summaries(first), now: Script.at(9))
        #expect(then.contains(.begin(second)) && then.below.leases.map(\.lease.range) == [second.range])
        // The weights of the step are there already.
        #expect(!then.below.contains(.weights(step: 1, to: a)))
    }

    @Test func examplesThatTravelledAheadDoNotTravelAgainAfterASecondLease() {
        var core = relay(with: a)
        let (first, second) = (Script.lease(1, 0, 4, of: 8), Script.lease(2, shard: 1, 4, 4, of: 8))
        let next = Script.lease(3, step: 2, 0, 4, of: 8)
        let part = give(first, to: &core).below.leases[0].lease
        _ = core.onMessage(shard(second), now: Script.at(2))
        #expect(core.onMessage(shard(next), now: Script.at(3)).below.leases.map(\.lease.step) == [2])
        _ = core.onMessage(Script.answer(part), from: a, now: Script.at(9))
        let then = core.onSummed(nodes: Script.summaries(first), now: Script.at(9)).below.leases
        #expect(then.map(\.lease.range) == [second.range] && then.map(\.lease.step) == [1])
        _ = core.onMessage(Script.answer(then[0].lease), from: a, now: Script.at(18))
        _ = core.onSummed(nodes: Script.summaries(second), now: Script.at(18))
        #expect(
            core.onMessage(weights(of: 2), now: Script.at(19)) == [
                .above(.keepWeights(step: 2)), .begin(next), .below(.weights(step: 2, to: a)),
            ])
    }

    @Test func itRemembersItsRunWhileNobodyIsBehindIt() {
        var core = relay(with: a)
        _ = core.onUnreachable(a, now: Script.at(10))
        let back = core.onMessage(Script.hello(72), from: b, now: Script.at(20))
        #expect(back.hellos.count == 1)
        // An earlier coordinator of the job is not followed …
        let earlier = RunID(high: Script.run.high, low: Script.run.low - 1)
        let old = Welcome(run: earlier, parameterCount: 5, jobDescription: [1, 2, 3])
        #expect(
            core.onMessage(.welcome(old), now: Script.at(30)).contains(
                .above(.ignore(.outdatedCoordinator(newest: Script.run, got: earlier)))))
        // … and the right one is waited for as by anybody who was welcomed once.
        for second in 1...30 as ClosedRange<UInt64> {
            _ = core.onMessage(Script.hello(72), from: b, now: Script.at(second * 1_000))
            #expect(!core.onDeadline(now: Script.at(second * 1_000)).contains { $0.isEnd })
        }
    }

    @Test func anOutdatedGoodbyeIsNotForARelayWithoutWorkers() {
        var core = relay(with: a)
        _ = core.onUnreachable(a, now: Script.at(10))
        let earlier = RunID(high: Script.run.high, low: Script.run.low - 1)
        #expect(core.onMessage(.goodbye(run: earlier, .finished), now: Script.at(20)).isEmpty)
        #expect(core.onMessage(.goodbye(run: Script.run, .finished), now: Script.at(21)).contains { $0.isEnd })
    }

    @Test func newWeightsEndAnUnfinishedTask() throws {
        var core = relay(with: a)
        let late = Script.lease(1, 0, 4, of: 8)
        let part = give(late, to: &core).below.leases[0].lease
        let next = Script.lease(3, step: 2, 0, 4, of: 8)
        _ = core.onMessage(shard(next), now: Script.at(2))
        let actions = core.onMessage(weights(of: 2), now: Script.at(20))
        #expect(actions.contains(.above(.drop(late))) && actions.contains(.begin(next)))
        #expect(actions.sent.isEmpty)
        let answer = core.onMessage(Script.answer(part), from: a, now: Script.at(21))
        #expect(answer == [.below(.ignore(a, .wrongStep(expected: 2, got: 1)))])
    }

    @Test func whenTheLastWorkerVanishesItsLeasesGoBack() throws {
        var core = relay(with: a, b)
        let lease = Script.lease(1, 0, 4, of: 8)
        _ = give(lease, to: &core)
        #expect(core.onUnreachable(a, now: Script.at(2)).sent.isEmpty)
        let actions = core.onUnreachable(b, now: Script.at(3))
        #expect(actions.contains(.above(.drop(lease))))
        guard case .goodbye(Script.run, _)? = actions.sent.first, actions.sent.count == 1 else {
            throw Unexpected(actions: actions)
        }
        // Somebody is back: it registers anew, as another incarnation.
        let again = core.onMessage(Script.hello(72), from: PeerID(rawValue: 3), now: Script.at(4))
        #expect(again.hellos.count == 1 && again.hellos.first?.incarnation != 8)
        _ = core.onMessage(.welcome(welcome), now: Script.at(5))
        #expect(give(Script.lease(2, 0, 4, of: 8), to: &core, at: 6).below.leases.count == 1)
    }

    @Test func aStepThatKillsWorkersIsAFailure() throws {
        var core = relay(lossLimit: 3)
        for attempt in 1...3 as ClosedRange<UInt64> {
            let peer = PeerID(rawValue: attempt)
            _ = core.onMessage(Script.hello(70 + attempt), from: peer, now: Script.at(attempt))
            _ = core.onMessage(.welcome(welcome), now: Script.at(attempt))
            _ = give(Script.lease(attempt, 0, 4, of: 8), to: &core, at: attempt)
            let sent = core.onUnreachable(peer, now: Script.at(attempt)).sent
            #expect(sent.failure?.lease == (attempt == 3 ? 3 : nil), "attempt \(attempt): \(sent)")
            #expect(sent.last.map { if case .goodbye = $0 { true } else { false } } == true)
        }
    }

    @Test func aShardThatItsWorkersCannotComputeIsAFailure() throws {
        var core = relay(with: a, b)
        let lease = Script.lease(1, shard: 6, 0, 4, of: 8)
        let part = give(lease, to: &core).below.leases[0].lease
        var actions = fail(part, at: a, &core)
        while let next = actions.below.leases.first { actions = fail(next.lease, at: next.peer, &core) }
        let failure = try #require(actions.sent.failure)
        #expect(failure.lease == 1 && failure.shard == 6 && failure.reason.contains("broken"))
        // The relay and its workers go on.
        #expect(give(Script.lease(2, step: 2, 0, 4, of: 8), to: &core, at: 7).below.leases.count == 2)
    }

    @Test func aContradictionOfItsWorkersIsAFailure() throws {
        var core = relay(with: a, b, PeerID(rawValue: 3))
        let lease = Script.lease(1, 0, 6, of: 8)
        let parts = give(lease, to: &core).below.leases.map(\.lease)
        _ = core.onMessage(Script.answer(parts[1]), from: b, now: Script.at(10))
        // The other two are late; the idle worker gets the first one's part as well.
        for second in 1...5 as ClosedRange<UInt64> { _ = core.onDeadline(now: Script.at(second * 1_000)) }
        let rival = try #require(core.onDeadline(now: Script.at(5_001)).below.leases.first)
        #expect(rival.peer == b && rival.lease.range == parts[0].range)
        _ = core.onMessage(Script.answer(rival.lease, bits: 1), from: b, now: Script.at(5_010))
        let actions = core.onMessage(Script.answer(parts[0], bits: 0), from: a, now: Script.at(5_020))
        let failure = try #require(actions.sent.failure)
        #expect(failure.lease == 1 && failure.reason.contains("different bits for the microbatches 0..<2"))
        #expect(actions.contains(.above(.drop(lease))))
    }

    @Test func aStepBackwardsIsAFailureAndNoCrash() throws {
        var core = relay(with: a)
        _ = give(Script.lease(1, step: 5, 0, 4, of: 8), to: &core)
        _ = core.onMessage(.goodbye(run: Script.run, .evicted), now: Script.at(2))
        _ = core.onMessage(.welcome(welcome), now: Script.at(3))
        let actions = give(Script.lease(2, step: 4, 0, 4, of: 8), to: &core, at: 4)
        #expect(actions.sent.failure?.reason.contains("after step 5") == true)
    }

    @Test func aRestartedCoordinatorsRunReplacesEverything() {
        var core = relay(with: a)
        let lease = Script.lease(1, 0, 4, of: 8)
        _ = give(lease, to: &core)
        let run = RunID(high: 8, low: 9)
        let actions = core.onMessage(
            .welcome(Welcome(run: run, parameterCount: 5, jobDescription: [1, 2, 3])), now: Script.at(2))
        #expect(actions.contains(.below(.welcome(a))) && actions.contains(.above(.drop(lease))))
        let next = Script.lease(1, 0, 4, of: 8, run: run)
        #expect(give(next, to: &core, at: 3).below.leases.map(\.lease.run) == [run])
    }

    @Test func theEndOfTheRunSendsEverybodyHome() {
        var core = relay(with: a, b)
        let home = core.onMessage(.goodbye(run: Script.run, .finished), now: Script.at(1))
        #expect(
            home == [
                .below(.goodbye(a, .finished)), .below(.goodbye(b, .finished)), .above(.finish(.finished(.finished))),
            ])
        #expect(core.nextDeadline == nil)
        #expect(core.onMessage(Script.hello(71), from: a, now: Script.at(2)) == [.below(.goodbye(a, .finished))])
    }

    @Test func aSignalLeavesPolitelyInBothDirections() throws {
        var core = relay(with: a)
        _ = give(Script.lease(1, 0, 4, of: 8), to: &core)
        let actions = core.onStop(reason: "stopped", now: Script.at(2))
        guard case .goodbye? = actions.sent.first else { throw Unexpected(actions: actions) }
        // The run is not over: its workers are to look for who comes after it.
        #expect(actions.contains(.below(.goodbye(a, .evicted))) && actions.last == .above(.finish(.left)))
        #expect(core.onDeadline(now: Script.at(60_000)) == [])
    }

    @Test func withoutWorkersALostLinkIsALostCoordinator() {
        var core = relay()
        #expect(core.onLink(isUp: true, now: Script.at(5_000)) == [])
        #expect(core.nextDeadline == nil && core.onDeadline(now: Script.at(60_000)) == [])
        #expect(core.onLink(isUp: false, now: Script.at(70_000)) == [])
        #expect(core.nextDeadline == Script.at(80_000))
        #expect(core.onDeadline(now: Script.at(79_999)) == [])
        #expect(core.onDeadline(now: Script.at(80_000)) == [.above(.finish(.noCoordinator(limit: .seconds(10))))])
    }

    @Test func aRenewedLinkIsRegisteredAnew() {
        var core = relay(with: a)
        let lease = Script.lease(1, 0, 4, of: 8)
        _ = give(lease, to: &core)
        let actions = core.onLink(isUp: true, now: Script.at(2))
        #expect(actions.hellos.count == 1 && actions.contains(.above(.drop(lease))))
        // It is the same process: whoever knows it by its incarnation will recognise it.
        let person = actions.hellos.map { $0.incarnation >> WorkerIdentity.registrationBits }
        #expect(person == [7])
    }

    private struct Unexpected: Error { let actions: [RelayAction] }
}

extension RelayAction {
    fileprivate var isEnd: Bool { if case .above(.finish) = self { true } else { false } }
}

extension [RelayAction] {
    /// What is said to the coordinator.
    fileprivate var sent: [WorkerMessage] {
        compactMap { if case .above(.send(let message)) = $0 { message } else { nil } }
    }

    fileprivate var hellos: [Hello] { sent.compactMap { if case .hello(let hello) = $0 { hello } else { nil } } }

    fileprivate var below: [CoordinatorAction] {
        compactMap { if case .below(let action) = $0 { action } else { nil } }
    }
}

extension [WorkerMessage] {
    fileprivate var partials: Partials? { lazy.compactMap { if case .partials(let it) = $0 { it } else { nil } }.first }
    fileprivate var failure: Failure? { lazy.compactMap { if case .failure(let it) = $0 { it } else { nil } }.first }
}
