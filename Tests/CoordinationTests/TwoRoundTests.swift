// Steps of two rounds under the coordinator's core, as straight scripts: who gets the second round, with or without images, and what
// becomes of workers, answers and mistakes between the rounds.

import Coordination
import TestKit
import Testing

/// A step of two rounds has the numbers 2s − 1 and 2s.
@Suite struct TwoRoundTests {
    private let a = PeerID(rawValue: 1)
    private let b = PeerID(rawValue: 2)
    private let c = PeerID(rawValue: 3)
    private let everything = AuditPlan(fraction: 1, seed: 0)

    private func task(_ round: UInt64) -> ShardTask { round % 2 == 1 ? .embeddings : .gradientsOfLatents }

    private func begin(
        _ core: inout CoordinatorCore, _ round: UInt64, of microbatches: Int = 8, isLast: Bool = false,
        at milliseconds: UInt64
    ) -> [CoordinatorAction] {
        core.beginStep(
            round, extent: Script.extent(microbatches), task: task(round), weights: Script.weights, isLast: isLast,
            now: Script.at(milliseconds))
    }

    private func prepare(
        _ core: inout CoordinatorCore, _ round: UInt64, of microbatches: Int = 8, at milliseconds: UInt64
    ) -> [CoordinatorAction] {
        core.prepareStep(
            round, extent: Script.extent(microbatches), task: task(round), now: Script.at(milliseconds))
    }

    @discardableResult
    private func answer(
        _ core: inout CoordinatorCore, _ given: (lease: ShardLease, peer: PeerID), bits: UInt64 = 0,
        computing: UInt64 = 10, at milliseconds: UInt64
    ) -> [CoordinatorAction] {
        core.onMessage(
            Script.answer(given.lease, milliseconds: computing, bits: bits), from: given.peer,
            now: Script.at(milliseconds))
    }

    /// A whole round, well done; its leases.
    @discardableResult
    private func complete(
        _ core: inout CoordinatorCore, _ round: UInt64, of microbatches: Int = 8, at milliseconds: UInt64
    ) -> [(lease: ShardLease, peer: PeerID)] {
        var open = begin(&core, round, of: microbatches, at: milliseconds).leases
        var all = open
        while !open.isEmpty {
            let more = answer(&core, open.removeFirst(), at: milliseconds + 10).leases
            all += more
            open += more
        }
        return all
    }

    private func lease(
        _ id: UInt64, _ round: UInt64, shard: UInt32 = 0, _ first: Int, _ count: Int, reuses: UInt64 = 0
    ) -> ShardLease {
        Script.lease(
            id, step: round, shard: shard, first, count, of: 8, task: task(round), reuses: reuses)
    }

    // MARK: The plan

    @Test func everyStepHasTwoNumbersAndBothLeadBack() {
        for step in 1...1_000 as ClosedRange<UInt64> {
            let numbers = ShardTask.allCases.map { $0.number(ofStep: step) }
            #expect(numbers == [step, 2 * step - 1, 2 * step])
            for (task, number) in zip(ShardTask.allCases, numbers) { #expect(task.step(ofNumber: number) == step) }
            // Whoever knows the number only needs not know the round.
            #expect(ShardTask.embeddings.step(ofNumber: 2 * step) == step)
        }
    }

    @Test func theSecondRoundGoesToThoseWhoDidTheFirstWithoutImages() {
        var core = Script.core(a, b)
        #expect(
            begin(&core, 1, at: 0) == [
                .weights(step: 1, to: a), .lease(lease(1, 1, 0, 4), to: a), .weights(step: 1, to: b),
                .lease(lease(2, 1, shard: 1, 4, 4), to: b),
            ])
        // b is slower by far; but it has the images.
        answer(&core, (lease(1, 1, 0, 4), a), computing: 10, at: 10)
        let last = answer(&core, (lease(2, 1, shard: 1, 4, 4), b), computing: 900, at: 900)
        #expect(last == [.accept(lease(2, 1, shard: 1, 4, 4)), .stepComplete(1)])
        #expect(
            begin(&core, 2, at: 901) == [
                .latentGradients(step: 2, to: a), .lease(lease(3, 2, 0, 4, reuses: 1), to: a),
                .latentGradients(step: 2, to: b), .lease(lease(4, 2, shard: 1, 4, 4, reuses: 2), to: b),
            ])
        answer(&core, (lease(3, 2, 0, 4, reuses: 1), a), computing: 10, at: 910)
        answer(&core, (lease(4, 2, shard: 1, 4, 4, reuses: 2), b), computing: 900, at: 1_800)
        // The next step's first round is cut by speed again.
        let next = begin(&core, 3, at: 1_801).leases.map(\.lease)
        #expect(next.map(\.task) == [.embeddings, .embeddings] || next.map(\.task) == [.embeddings])
        #expect(next[0].range.count > 6 && next.allSatisfy { $0.reuses == 0 })
    }

    @Test func aPreparedSecondRoundBeginsWithItsWeightsAlone() {
        var core = Script.core(a, b)
        let first = begin(&core, 1, at: 0).leases
        let ahead = prepare(&core, 2, at: 1)
        #expect(
            ahead == [
                .lease(lease(3, 2, 0, 4, reuses: 1), to: a), .lease(lease(4, 2, shard: 1, 4, 4, reuses: 2), to: b),
            ])
        for given in first { answer(&core, given, at: 10) }
        #expect(begin(&core, 2, at: 11) == [.latentGradients(step: 2, to: a), .latentGradients(step: 2, to: b)])
        #expect(answer(&core, ahead.leases[0], at: 20) == [.accept(lease(3, 2, 0, 4, reuses: 0))])
    }

    @Test func whatWasPreparedForALostWorkerComesWithImages() {
        var core = Script.core(a, b)
        let first = begin(&core, 1, at: 0).leases
        _ = prepare(&core, 2, at: 1)
        for given in first { answer(&core, given, at: 10) }
        _ = core.onUnreachable(a, now: Script.at(10))
        #expect(begin(&core, 2, at: 11) == [.latentGradients(step: 2, to: b), .lease(lease(5, 2, 0, 4), to: b)])
    }

    @Test func aWorkerLostBetweenTheRoundsIsReplacedByOneThatGetsTheImages() {
        var core = Script.core(a, b)
        complete(&core, 1, at: 0)
        _ = core.onUnreachable(a, now: Script.at(11))
        let second = begin(&core, 2, at: 12)
        #expect(
            second == [
                .latentGradients(step: 2, to: b), .lease(lease(3, 2, shard: 1, 4, 4, reuses: 2), to: b),
                .lease(lease(4, 2, 0, 4), to: b),
            ])
        for given in second.leases { answer(&core, given, at: 20) }
        #expect(begin(&core, 3, at: 21).leases.map(\.lease.range.count) == [8])
    }

    @Test func whoRegistersAnewHasForgottenTheImages() {
        var core = Script.core(a, b)
        complete(&core, 1, at: 0)
        // Over the connection that it has.
        _ = core.onMessage(Script.hello(77), from: a, now: Script.at(11))
        let actions = begin(&core, 2, at: 12)
        #expect(actions.contains(.weights(step: 2, to: a)) && actions.contains(.latentGradients(step: 2, to: b)))
        let second = actions.leases.sorted { $0.lease.shard < $1.lease.shard }
        #expect(second.map(\.lease.reuses) == [0, 2])
    }

    @Test func weightsOfTheRoundBeforeAreNotTakenForThoseOfAnother() throws {
        var held = HeldWeights<String>()
        let message = CoordinatorMessage.latentGradients(run: Script.run, step: 8, content: Samples.secondWeights)
        #expect(held.objection(to: message) != nil)
        held.keep(["weights of 6"], ofStep: 6)
        #expect(held.objection(to: message) != nil)
        held.keep(["weights of 7"], ofStep: 7)
        #expect(held.objection(to: message) == nil)
        #expect(held.payload(of: message, ["gradients"]) == ["weights of 7", "gradients"])
        held.keep(held.payload(of: message, ["gradients"]), ofStep: 8)
        #expect(held.objection(to: message) != nil, "a message that was recorded and is played again")
        held.forget()
        #expect(held.objection(to: message) != nil && held.frames.isEmpty)
    }

    @Test func aNewcomerGetsPartOfTheNextStep() {
        var core = Script.core(a)
        complete(&core, 1, at: 0)
        _ = core.onMessage(Script.hello(2), from: b, now: Script.at(11))
        #expect(begin(&core, 2, at: 12).leases.map(\.peer) == [a])
        answer(&core, (lease(2, 2, 0, 8, reuses: 1), a), at: 20)
        #expect(begin(&core, 3, at: 21).leases.map(\.peer) == [a, b])
    }

    @Test func nobodyHoldsMoreThanTwoShardsOfASecondRound() {
        var core = Script.core(a, b, c)
        let first = begin(&core, 1, of: 12, at: 0).leases
        // b and c are gone: a does what was theirs.
        _ = core.onUnreachable(b, now: Script.at(1))
        _ = core.onUnreachable(c, now: Script.at(1))
        var open = [first[0], (Script.lease(4, step: 1, shard: 1, 4, 4, of: 12, task: .embeddings), a)]
        open += answer(&core, open.removeFirst(), at: 10).leases
        for given in open { answer(&core, given, at: 20) }
        let second = begin(&core, 2, of: 12, at: 21).leases
        #expect(second.map(\.lease.reuses) == [1, 4])
        // The third follows when there is room, and its images are here too.
        #expect(answer(&core, second[0], at: 30).leases.map(\.lease.reuses) == [5])
    }

    @Test func aShardThatIsLeasedAgainComesWithItsImages() {
        var core = Script.core(a)
        complete(&core, 1, at: 0)
        #expect(begin(&core, 2, at: 20).leases.map(\.lease.reuses) == [1])
        // It has not got it, or could not use it: it says that it is idle when the shard is late.
        let again = core.onMessage(Script.idle(), from: a, now: Script.at(2_000))
        #expect(again == [.weights(step: 2, to: a), .lease(lease(3, 2, 0, 8), to: a)])
        let failure = WorkerMessage.failure(Failure(answering: lease(3, 2, 0, 8), reason: "no memory"))
        #expect(core.onMessage(failure, from: a, now: Script.at(2_001)).leases.map(\.lease.reuses) == [0])
    }

    // MARK: Late ones

    /// b is late with its shard of the first round; a has done it, and the second round runs.
    private func lateInTheFirstRound() -> (core: CoordinatorCore, late: ShardLease, second: [CoordinatorAction]) {
        var core = Script.core(a, b)
        let first = begin(&core, 1, at: 0).leases
        answer(&core, first[0], at: 10)
        let again = (1...5 as ClosedRange<UInt64>).flatMap { core.onDeadline(now: Script.at($0 * 1_000)).leases }
        #expect(again.map(\.peer) == [a])
        answer(&core, again[0], at: 5_010)
        let second = begin(&core, 2, at: 5_011)
        return (core, first[1].lease, second)
    }

    @Test func whoWasLateWithTheFirstRoundGetsNothingOfTheSecond() {
        let second = lateInTheFirstRound().second.leases
        #expect(second.map(\.peer) == [a, a] && second.map(\.lease.reuses) == [1, 3])
    }

    @Test func aLateAnswerOfTheFirstRoundIsComparedDuringTheSecond() {
        var (core, late, _) = lateInTheFirstRound()
        #expect(answer(&core, (late, b), at: 5_020) == [.confirmed(late)])
        #expect(answer(&core, (late, b), at: 5_021) == [.ignore(b, .wrongStep(expected: 2, got: 1))])
    }

    @Test func aWrongLateAnswerOfTheFirstRoundUndoesNothing() {
        var (core, late, _) = lateInTheFirstRound()
        #expect(answer(&core, (late, b), bits: 5, at: 5_020) == [.arbitrate(late)])
        let verdict = core.onArbitration(late, nodes: Script.summaries(late), now: Script.at(5_021))
        #expect(verdict.contains(where: \.isQuarantine) && !verdict.contains(.goBack(before: 1)))
        #expect(core.workers.map(\.peer) == [a])
    }

    @Test func aRightLateAnswerOfTheFirstRoundEndsTheSecond() {
        var (core, late, _) = lateInTheFirstRound()
        _ = answer(&core, (late, b), bits: 5, at: 5_020)
        let verdict = core.onArbitration(late, nodes: Script.summaries(late, bits: 5), now: Script.at(5_021))
        #expect(verdict.contains(where: \.isQuarantine) && verdict.last == .goBack(before: 1), "\(verdict)")
        // The whole step is done again.
        #expect(begin(&core, 1, at: 5_030).leases.map(\.peer) == [b])
    }

    @Test func aLateAnswerOfASecondRoundIsComparedInTheNextStep() {
        var core = Script.core(a, b)
        complete(&core, 1, at: 0)
        let second = begin(&core, 2, at: 20).leases
        answer(&core, second[0], at: 30)
        let again = core.onDeadline(now: Script.at(1_000)).leases
        #expect(again.map(\.peer) == [a] && again.map(\.lease.reuses) == [0])
        answer(&core, again[0], at: 2_010)
        _ = begin(&core, 3, at: 2_011)
        #expect(answer(&core, second[1], at: 2_020).first == .confirmed(lease(4, 2, shard: 1, 4, 4)))
    }

    // MARK: Mistakes

    @Test func bothRoundsAreAudited() {
        var core = Script.coordinator(audit: everything)
        for peer in [a, b] { _ = core.onMessage(Script.hello(peer.rawValue), from: peer, now: Script.start) }
        for round in 1...4 as ClosedRange<UInt64> {
            let given = begin(&core, round, of: 1, at: round * 100).leases
            #expect(given.count == 2 && Set(given.map(\.peer)) == [a, b])
            // The auditor computes everything by itself.
            #expect(given[1].lease.reuses == 0 && (given[0].lease.reuses > 0) == (round % 2 == 0))
            answer(&core, given[0], at: round * 100 + 10)
            let last = answer(&core, given[1], at: round * 100 + 11)
            #expect(last.count == 2 && last.last == .stepComplete(round))
        }
    }

    @Test func oneWhoseResultsAreInDoubtSinceAFirstRoundTakesTheRunBackInTheMiddleOfAStep() throws {
        var core = Script.coordinator(audit: AuditPlan(fraction: 0, seed: 1))
        for peer in [a, b, c] { _ = core.onMessage(Script.hello(peer.rawValue), from: peer, now: Script.start) }
        for round in 1...3 as ClosedRange<UInt64> { complete(&core, round, of: 3, at: round * 100) }
        // The last step is audited.
        var open = begin(&core, 4, of: 3, isLast: true, at: 400).leases
        var verdict: [CoordinatorAction] = []
        while verdict.isEmpty, let given = open.popLast() {
            let actions = answer(&core, given, bits: given.peer == b ? 5 : 0, at: 410)
            open += actions.leases
            for case .arbitrate(let disputed) in actions {
                verdict = core.onArbitration(disputed, nodes: Script.summaries(disputed), now: Script.at(411))
            }
        }
        #expect(verdict.contains(where: \.isQuarantine) && verdict.last == .goBack(before: 1))
        #expect(core.run == RunID(high: Script.run.high, low: Script.run.low + 1))
        let again = begin(&core, 1, of: 3, at: 420).leases
        #expect(again.allSatisfy { $0.peer != b && $0.lease.run == core.run && $0.lease.reuses == 0 })
    }

    @Test func aStepWhoseSecondRoundIsVoidBeginsWithItsFirst() {
        var core = Script.coordinator(audit: everything)
        for peer in [a, b, c] { _ = core.onMessage(Script.hello(peer.rawValue), from: peer, now: Script.start) }
        for round in 1...3 as ClosedRange<UInt64> { complete(&core, round, of: 1, at: round * 100) }
        let given = begin(&core, 4, of: 1, at: 400).leases
        // The first answer is used, and wrong.
        answer(&core, given[0], bits: 5, at: 410)
        #expect(answer(&core, given[1], at: 411) == [.arbitrate(given[1].lease.sent)])
        let verdict = core.onArbitration(
            given[1].lease.sent, nodes: Script.summaries(given[1].lease), now: Script.at(412))
        #expect(verdict.last == .goBack(before: 4) && ShardTask.embeddings.step(ofNumber: 4) == 2)
        #expect(begin(&core, 3, of: 1, at: 420).leases.allSatisfy { $0.lease.task == .embeddings })
        // What was right in the first round is void with it.
        #expect(core.ledger.unconfirmed.values.allSatisfy { $0.lastStep < 3 })
    }

    @Test func latentVectorsThatAreNotFiniteAreExamined() {
        var core = Script.core(a, b)
        let given = complete(&core, 1, at: 0)
        _ = core.onNonFinite(now: Script.at(20))
        #expect(core.onArbitration(given[0].lease, nodes: Script.summaries(given[0].lease), now: Script.at(21)).isEmpty)
        let wrong = Script.summaries(given[1].lease, bits: 5)
        let verdict = core.onArbitration(given[1].lease, nodes: wrong, now: Script.at(22))
        #expect(verdict.contains(where: \.isQuarantine) && verdict.last == .goBack(before: 1))
        #expect(begin(&core, 1, at: 30).leases.map(\.peer) == [a])
    }

    // MARK: What the user reads

    @Test func failuresNameTheTrainingStep() throws {
        var core = Script.core(a)
        for round in 1...5 as ClosedRange<UInt64> { complete(&core, round, at: round * 100) }
        var given = begin(&core, 6, at: 600).leases
        var failure: ShardFailure?
        while failure == nil, let (lease, peer) = given.popLast() {
            let report = WorkerMessage.failure(Failure(answering: lease, reason: "no memory"))
            let actions = core.onMessage(report, from: peer, now: Script.at(610))
            for case .shardFailed(let told) in actions { failure = told }
            given = actions.leases
        }
        #expect(try #require(failure).step == 3)
        #expect("\(try #require(failure))".hasPrefix("step 3, shard 0"))
    }

    @Test func unconfirmedResultsAreToldInTrainingSteps() {
        let results = UnconfirmedResults(firstStep: 3, lastStep: 8, shards: 4)
        #expect(results.inSteps(ShardTask.embeddings.step) == UnconfirmedResults(firstStep: 2, lastStep: 4, shards: 4))
        #expect(results.inSteps(ShardTask.gradients.step) == results)
    }

    @Test func figuresCountImagesOnceAndStepsAsTheUserDoes() {
        var core = Script.core(a)
        for round in 1...4 as ClosedRange<UInt64> { complete(&core, round, at: round * 100) }
        let counters = core.figures(now: Script.at(500)).map(\.counters)
        // Two steps of 64 examples of two images.
        #expect(counters.map(\.images) == [2 * 64 * 2] && counters.map(\.steps) == [2])
    }
}

extension ShardLease {
    /// As the core's actions name it: whether its images came along is nobody's affair who only reads it.
    fileprivate var sent: ShardLease {
        Script.lease(
            lease, step: step, shard: shard, range.first, range.count, of: totalMicrobatches, run: run, task: task)
    }
}
