// What becomes of two answers that differ, and of a sum that is not finite, as straight scripts.

import Coordination
import Testing

@Suite struct AuditTests {
    private let a = PeerID(rawValue: 1)
    private let b = PeerID(rawValue: 2)
    private let c = PeerID(rawValue: 3)
    private let everything = AuditPlan(fraction: 1, seed: 0)

    /// A core that audits, with these workers admitted; each has a key of its own.
    private func core(_ peers: [PeerID], audit: AuditPlan?) -> CoordinatorCore {
        var core = Script.coordinator(audit: audit)
        for peer in peers {
            _ = core.onMessage(
                Script.hello(peer.rawValue), from: peer, credential: "k\(peer.rawValue)", now: Script.start)
        }
        return core
    }

    /// Begins a step of one shard per microbatch; who got what.
    private func begin(
        _ core: inout CoordinatorCore, _ step: UInt64, _ microbatches: Int, isLast: Bool = false
    ) -> [(lease: ShardLease, peer: PeerID)] {
        core.beginStep(
            step, extent: Script.extent(microbatches), weights: Script.weights, isLast: isLast,
            now: Script.at(step * 10)
        ).leases
    }

    @Test func anAuditedShardGoesToTwoPersonsAndTheStepWaitsForBoth() {
        var core = core([a, b], audit: everything)
        let leases = begin(&core, 1, 1)
        #expect(leases.count == 2 && Set(leases.map(\.peer)) == [a, b])
        let first = core.onMessage(Script.answer(leases[0].lease), from: leases[0].peer, now: Script.at(11))
        #expect(first == [.accept(leases[0].lease)])
        let second = core.onMessage(Script.answer(leases[1].lease), from: leases[1].peer, now: Script.at(12))
        #expect(second == [.confirmed(leases[1].lease), .stepComplete(1)])
    }

    @Test func theFractionIsKeptAndDependsOnTheSeed() {
        func audited(_ seed: UInt64) -> [UInt64] {
            var core = core([a, b], audit: AuditPlan(fraction: 0.1, seed: seed))
            var audited: [UInt64] = []
            for step in 1...2_000 as ClosedRange<UInt64> {
                let leases = begin(&core, step, 1)
                for (lease, peer) in leases {
                    _ = core.onMessage(Script.answer(lease), from: peer, now: Script.at(step))
                }
                if leases.count == 2 { audited.append(step) }
            }
            return audited
        }
        let (one, other) = (audited(1), audited(2))
        #expect((150...250).contains(one.count) && (150...250).contains(other.count))
        #expect(one == audited(1) && one != other)
    }

    @Test func theLastStepIsAuditedWhole() {
        var core = core([a, b], audit: AuditPlan(fraction: 0, seed: 1))
        #expect(begin(&core, 1, 2, isLast: true).count == 4)
    }

    @Test func aSingleWorkerIsCheckedByTheArbiter() {
        var core = core([a], audit: everything)
        let lease = begin(&core, 1, 1)[0].lease
        let actions = core.onMessage(Script.answer(lease), from: a, now: Script.at(11))
        #expect(actions == [.accept(lease), .arbitrate(lease)])
        let good = core.onArbitration(lease, nodes: Script.summaries(lease), now: Script.at(12))
        #expect(good == [.confirmed(lease), .stepComplete(1)])
    }

    @Test func anAuditorThatDoesNotAnswerHoldsNothingUp() {
        var core = core([a, b], audit: everything)
        complete(&core, 1, 1)
        let leases = begin(&core, 2, 1)
        _ = core.onMessage(Script.answer(leases[0].lease), from: leases[0].peer, now: Script.at(21))
        // The auditor is stopped. A second lease is late after twice a quarter of a second: then the arbiter does it.
        #expect(core.onDeadline(now: Script.at(519)).isEmpty)
        #expect(core.nextDeadline == Script.at(520))
        #expect(core.onDeadline(now: Script.at(520)) == [.arbitrate(leases[0].lease)])
    }

    @Test func aSingleWorkerAndTheArbiterThatDifferEndTheRun() {
        var core = core([a], audit: everything)
        let lease = begin(&core, 1, 1)[0].lease
        _ = core.onMessage(Script.answer(lease, bits: 5), from: a, now: Script.at(11))
        let actions = core.onArbitration(lease, nodes: Script.summaries(lease), now: Script.at(12))
        guard case .noMajority(lease, let opinions, before: 1)? = actions.first else {
            Issue.record("\(actions)")
            return
        }
        #expect(opinions.count == 2)
    }

    /// Does a whole step, well.
    private func complete(_ core: inout CoordinatorCore, _ step: UInt64, _ microbatches: Int, isLast: Bool = false) {
        var open = begin(&core, step, microbatches, isLast: isLast)
        while let (lease, peer) = open.popLast() {
            open += core.onMessage(Script.answer(lease), from: peer, now: Script.at(step * 10 + 5)).leases
        }
    }

    private struct Dispute {
        var core: CoordinatorCore
        let actions: [CoordinatorAction]
        /// Who answered first, and second.
        let workers: [WorkerIdentity]
    }

    /// Two differing answers, and the arbiter's bits.
    private func dispute(first: UInt64, second: UInt64, arbiter: UInt64) -> Dispute {
        var core = core([a, b, c], audit: everything)
        let leases = begin(&core, 7, 1)
        _ = core.onMessage(Script.answer(leases[0].lease, bits: first), from: leases[0].peer, now: Script.at(71))
        let differing = core.onMessage(
            Script.answer(leases[1].lease, bits: second), from: leases[1].peer, now: Script.at(72))
        #expect(differing == [.arbitrate(leases[1].lease)])
        let workers = leases.compactMap { lease in core.workers.first { $0.peer == lease.peer } }
        let nodes = Script.summaries(leases[1].lease, bits: arbiter)
        let actions = core.onArbitration(leases[1].lease, nodes: nodes, now: Script.at(73))
        return Dispute(core: core, actions: actions, workers: workers)
    }

    @Test func whoIsAloneWithHisBitsIsQuarantinedAndNeverComesBack() {
        let dispute = dispute(first: 0, second: 5, arbiter: 0)
        let worker = dispute.workers[1]
        var core = dispute.core
        // His answer was not used, and no other of his is in doubt: the step is complete.
        #expect(dispute.actions.contains(.quarantined(worker, unconfirmed: nil)))
        #expect(dispute.actions.last == .stepComplete(7))
        for peer in [worker.peer, PeerID(rawValue: 99)] {
            let again = core.onMessage(
                Script.hello(12), from: peer, credential: worker.credential, now: Script.at(80))
            guard case .refuse(peer, let refusal)? = again.first else {
                Issue.record("\(again)")
                continue
            }
            #expect(refusal.code == .quarantined)
        }
        #expect(core.workers.count == 2)
    }

    @Test func workersThatShareAKeyAreSeveralPersons() {
        var core = Script.coordinator(audit: everything)
        for peer in [a, b, c] {
            _ = core.onMessage(Script.hello(peer.rawValue), from: peer, credential: "all", now: Script.start)
        }
        // They audit each other …
        let leases = begin(&core, 7, 1)
        #expect(Set(leases.map(\.peer)).count == 2)
        _ = core.onMessage(Script.answer(leases[0].lease), from: leases[0].peer, now: Script.at(71))
        _ = core.onMessage(Script.answer(leases[1].lease, bits: 5), from: leases[1].peer, now: Script.at(72))
        let nodes = Script.summaries(leases[1].lease)
        let verdict = core.onArbitration(leases[1].lease, nodes: nodes, now: Script.at(73))
        // … and only the one that errs goes, and does not come back.
        #expect(verdict.contains(where: \.isQuarantine) && core.workers.count == 2)
        let bad = leases[1].peer
        let again = core.onMessage(
            Script.hello(bad.rawValue), from: PeerID(rawValue: 98), credential: "all", now: Script.at(80))
        #expect(again.first?.isRefusal == true)
        let newcomer = core.onMessage(
            Script.hello(99), from: PeerID(rawValue: 99), credential: "all", now: Script.at(80))
        #expect(newcomer.first == .welcome(PeerID(rawValue: 99)))
    }

    @Test func anAuditorHasAnotherKeyIfPossible() {
        var core = Script.coordinator(audit: everything)
        for (peer, key) in [(a, "x"), (b, "x"), (c, "y")] {
            _ = core.onMessage(Script.hello(peer.rawValue), from: peer, credential: key, now: Script.start)
        }
        let leases = begin(&core, 1, 1)
        #expect(leases.count == 2 && leases.last?.peer == c)
    }

    @Test func withAWholeKeyAllThatEverWasUnderItIsVoid() {
        var core = core([a, b], audit: AuditPlan(fraction: 0, seed: 1))
        complete(&core, 1, 2)
        // b's process ends, and another one has its key.
        _ = core.onUnreachable(b, now: Script.at(18))
        _ = core.onMessage(Script.hello(30), from: c, credential: "k2", now: Script.at(19))
        let leases = begin(&core, 2, 1, isLast: true)
        for (lease, peer) in leases {
            _ = core.onMessage(Script.answer(lease, bits: peer == c ? 9 : 0), from: peer, now: Script.at(21))
        }
        let lease = leases[1].lease
        let verdict = core.onArbitration(lease, nodes: Script.summaries(lease), now: Script.at(22))
        #expect(verdict.last == .goBack(before: 1))
        let again = core.onMessage(Script.hello(31), from: b, credential: "k2", now: Script.at(23))
        #expect(again.first?.isRefusal == true)
    }

    @Test func aWrongAnswerThatWasUsedTakesTheRunBackInTheNextEpoch() {
        let dispute = dispute(first: 5, second: 0, arbiter: 0)
        let core = dispute.core
        #expect(dispute.actions.last == .goBack(before: 7))
        #expect(dispute.actions.suffix(3).dropLast() == core.workers.map { .welcome($0.peer) }[...])
        #expect(core.workers.count == 2 && !core.workers.contains(dispute.workers[0]))
        #expect(core.run == RunID(high: Script.run.high, low: Script.run.low + 1))
    }

    @Test func threeDifferentAnswersEndTheRun() {
        let actions = dispute(first: 5, second: 6, arbiter: 0).actions
        guard case .noMajority(_, let opinions, before: 7)? = actions.first else {
            Issue.record("\(actions)")
            return
        }
        #expect(opinions.count == 3)
    }

    @Test func theRunGoesBackBeforeAllThatNobodyHasConfirmed() {
        var core = core([a, b], audit: AuditPlan(fraction: 0, seed: 1))
        // Steps 1 to 3 without an audit; in the last one, b is found out.
        for step in 1...3 as ClosedRange<UInt64> { complete(&core, step, 2) }
        let last = begin(&core, 4, 2, isLast: true)
        let bad = last.filter { $0.peer == b }.map(\.lease)
        let good = last.filter { $0.peer == a }.map(\.lease)
        for lease in good { _ = core.onMessage(Script.answer(lease), from: a, now: Script.at(45)) }
        let disputed = core.onMessage(Script.answer(bad[0], bits: 9), from: b, now: Script.at(46))
        guard case .arbitrate(let lease)? = disputed.last else {
            Issue.record("\(disputed)")
            return
        }
        let worker = core.workers[1]
        let verdict = core.onArbitration(lease, nodes: Script.summaries(lease), now: Script.at(47))
        guard case .quarantined(worker, let results?)? = verdict.first(where: \.isQuarantine) else {
            Issue.record("\(verdict)")
            return
        }
        #expect(results.firstStep == 1 && results.shards >= 3)
        #expect(verdict.last == .goBack(before: 1))
        // And it can.
        #expect(begin(&core, 1, 2).map(\.peer) == [a])
    }

    /// Step 2 is complete, its single shard was late and given to another worker; step 3 runs. Who was late now answers.
    private func late(first: UInt64, second: UInt64, arbiter: UInt64) -> Dispute {
        var core = core([a, b, c], audit: nil)
        complete(&core, 1, 3)
        let slow = begin(&core, 2, 1)[0]
        let fast = core.onDeadline(now: Script.at(500)).leases[0]
        #expect(
            core.onMessage(Script.answer(fast.lease, bits: first), from: fast.peer, now: Script.at(510)).last
                == .stepComplete(2))
        _ = core.beginStep(3, extent: Script.extent(2), weights: 78, now: Script.at(511))
        let workers = [fast.peer, slow.peer].compactMap { peer in core.workers.first { $0.peer == peer } }
        var actions = core.onMessage(Script.answer(slow.lease, bits: second), from: slow.peer, now: Script.at(512))
        if actions == [.arbitrate(slow.lease)] {
            let nodes = Script.summaries(slow.lease, bits: arbiter)
            actions = core.onArbitration(slow.lease, nodes: nodes, now: Script.at(513))
        }
        return Dispute(core: core, actions: actions, workers: workers)
    }

    @Test func aLateAnswerToTheStepBeforeIsCompared() {
        let late = late(first: 0, second: 0, arbiter: 0)
        guard late.actions.count == 1, case .confirmed(let lease)? = late.actions.first else {
            Issue.record("\(late.actions)")
            return
        }
        // What both did in steps 1 and 2 is confirmed.
        #expect(lease.step == 2 && late.workers.allSatisfy { late.core.ledger[$0.person] == nil })
    }

    @Test func aLateAnswerFindsTheUsedOneWrong() {
        let late = late(first: 5, second: 0, arbiter: 0)
        #expect(late.actions.contains(where: \.isQuarantine) && late.actions.last == .goBack(before: 1))
        #expect(!late.core.workers.contains(late.workers[0]) && late.core.workers.contains(late.workers[1]))
        // The one found out held a shard of step 3. It goes to nobody: that step is void, and what is sent now would be taken
        // for a part of the next epoch.
        let isVoid = late.actions.contains { if case .weights = $0 { true } else { false } }
        #expect(late.actions.leases.isEmpty && !isVoid, "\(late.actions)")
    }

    @Test func aLateAnswerThatIsWrongIsHeldAgainstItsSender() {
        let late = late(first: 0, second: 5, arbiter: 0)
        // What it did in step 1 was used, and nobody has confirmed it.
        #expect(late.actions.contains(where: \.isQuarantine) && late.actions.last == .goBack(before: 1))
        #expect(late.core.workers.contains(late.workers[0]) && !late.core.workers.contains(late.workers[1]))
    }

    @Test func thoseWhoLeftLongAgoAreOneEntry() {
        var core = core([], audit: AuditPlan(fraction: 0, seed: 1))
        for number in 1...600 as ClosedRange<UInt64> {
            let peer = PeerID(rawValue: 10 + number)
            _ = core.onMessage(Script.hello(number), from: peer, now: Script.at(number * 10))
            complete(&core, number, 1)
            _ = core.onUnreachable(peer, now: Script.at(number * 10 + 9))
        }
        #expect(core.ledger.unconfirmed.count <= Ledger.absentLimit + 1)
        // Somebody who errs may be one of them.
        for peer in [a, b] {
            _ = core.onMessage(Script.hello(1_000 + peer.rawValue), from: peer, now: Script.at(6_010))
        }
        let leases = begin(&core, 601, 1, isLast: true)
        for (index, (lease, peer)) in leases.enumerated() {
            _ = core.onMessage(Script.answer(lease, bits: UInt64(index)), from: peer, now: Script.at(6_011))
        }
        let lease = leases[1].lease
        let verdict = core.onArbitration(lease, nodes: Script.summaries(lease, bits: 0), now: Script.at(6_012))
        #expect(verdict.last == .goBack(before: 1))
    }

    @Test func theRunMayGoBackFurtherThanItWasAskedTo() {
        var core = core([a, b], audit: AuditPlan(fraction: 0, seed: 1))
        complete(&core, 1, 2, isLast: true)
        // From step 2 on nobody is confirmed; c comes later, and errs.
        complete(&core, 2, 2)
        _ = core.onMessage(Script.hello(c.rawValue), from: c, credential: "k3", now: Script.at(29))
        complete(&core, 3, 3)
        var open = begin(&core, 4, 3, isLast: true)
        var verdict: [CoordinatorAction] = []
        while verdict.isEmpty, let (lease, peer) = open.popLast() {
            let answer = Script.answer(lease, bits: peer == c ? 9 : 0)
            let actions = core.onMessage(answer, from: peer, now: Script.at(41))
            open += actions.leases
            guard case .arbitrate(let disputed)? = actions.first else { continue }
            verdict = core.onArbitration(disputed, nodes: Script.summaries(disputed), now: Script.at(42))
        }
        #expect(verdict.last == .goBack(before: 3))
        #expect(core.ledger.unconfirmed.values.contains { $0.firstStep == 2 })
        // The newest checkpoint is that before step 1.
        complete(&core, 1, 2)
        #expect(core.ledger.unconfirmed.count == 2)
        for results in core.ledger.unconfirmed.values { #expect(results.firstStep == 1 && results.lastStep == 1) }
    }

    @Test func aConfirmedWorkersEarlierResultsAreNotInDoubt() {
        var core = core([a, b, c], audit: AuditPlan(fraction: 0, seed: 1))
        // Both are audited whole, and clean.
        for step in 1...2 as ClosedRange<UInt64> { complete(&core, step, 3, isLast: true) }
        let leases = begin(&core, 3, 1, isLast: true)
        _ = core.onMessage(Script.answer(leases[0].lease, bits: 9), from: leases[0].peer, now: Script.at(31))
        _ = core.onMessage(Script.answer(leases[1].lease), from: leases[1].peer, now: Script.at(32))
        let verdict = core.onArbitration(
            leases[1].lease, nodes: Script.summaries(leases[1].lease), now: Script.at(33))
        #expect(verdict.last == .goBack(before: 3))
    }

    // MARK: A sum that is not finite

    private func examined(oddBits: UInt64) -> [CoordinatorAction] {
        var core = core([a, b], audit: nil)
        for (lease, peer) in begin(&core, 1, 2) {
            _ = core.onMessage(Script.answer(lease, bits: peer == b ? oddBits : 0), from: peer, now: Script.at(11))
        }
        var actions = core.onNonFinite(now: Script.at(12))
        for case .arbitrate(let lease) in actions {
            actions = core.onArbitration(lease, nodes: Script.summaries(lease), now: Script.at(13))
        }
        return actions
    }

    @Test func ifTheArbiterAgreesItIsTheModel() {
        #expect(examined(oddBits: 0) == [.diverged(step: 1)])
    }

    @Test func ifTheArbiterDisagreesItIsTheWorker() {
        let actions = examined(oddBits: 3)
        #expect(actions.contains(where: \.isQuarantine) && actions.last == .goBack(before: 1))
    }
}

extension CoordinatorAction {
    var isQuarantine: Bool { if case .quarantined = self { true } else { false } }
    fileprivate var isRefusal: Bool { if case .refuse = self { true } else { false } }
}
