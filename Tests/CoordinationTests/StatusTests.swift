// Asking how a run stands: who gets an answer, and that nobody else notices.

import Coordination
import TestKit
import Testing

@Suite struct StatusTests {
    private let stranger = PeerID(rawValue: 99)

    /// A step of eight microbatches that two workers have; and which lease each of them holds.
    private func runningStep() -> (core: CoordinatorCore, leases: [ShardLease]) {
        var core = Script.coordinator()
        for peer in 1...2 as ClosedRange<UInt64> {
            _ = core.onMessage(Script.hello(peer), from: PeerID(rawValue: peer), now: Script.start)
        }
        let actions = core.beginStep(1, extent: Script.extent(8), weights: Script.weights, now: Script.start)
        return (core, actions.leases.map(\.lease))
    }

    @Test func anybodyIsAnsweredAndNobodyIsDisturbed() {
        var (core, _) = runningStep()
        let (workers, deadline) = (core.workers, core.nextDeadline)
        #expect(core.onMessage(.statusRequest, from: stranger, now: Script.at(1)) == [.report(to: stranger)])
        #expect(core.workers == workers && core.nextDeadline == deadline)
        let worker = PeerID(rawValue: 1)
        #expect(core.onMessage(.statusRequest, from: worker, now: Script.at(1)) == [.report(to: worker)])
        // To ask is no sign of life.
        #expect(core.figures(now: Script.at(1)).map(\.heardAgo) == [.milliseconds(1), .milliseconds(1)])
    }

    @Test func whoAsksTooOftenGetsNoAnswer() {
        var core = Script.coordinator()
        #expect(core.onMessage(.statusRequest, from: stranger, now: Script.at(0)) == [.report(to: stranger)])
        for time in 1..<100 as Range<UInt64> {
            #expect(core.onMessage(.statusRequest, from: stranger, now: Script.at(time)) == [])
        }
        #expect(core.onMessage(.statusRequest, from: stranger, now: Script.at(100)) == [.report(to: stranger)])
    }

    @Test func strangersThatAskAreForgottenAndWorkersAreNot() {
        var (core, _) = runningStep()
        let worker = PeerID(rawValue: 1)
        _ = core.onMessage(.statusRequest, from: worker, now: Script.start)
        var forgotten: [PeerID] = []
        for number in 100..<300 as Range<UInt64> {
            for action in core.onMessage(.statusRequest, from: PeerID(rawValue: number), now: Script.start) {
                if case .forget(let peer) = action { forgotten.append(peer) }
            }
        }
        // All but the last 64, and never the worker, who was the first to ask.
        #expect(forgotten == (100..<236).map { PeerID(rawValue: $0) })
    }

    @Test func aStoppedRunStillAnswers() {
        var core = Script.coordinator()
        _ = core.stop(.finished, now: Script.start)
        #expect(core.onMessage(.statusRequest, from: stranger, now: Script.start) == [.report(to: stranger)])
    }

    @Test func everyWorkerHasItsFigures() throws {
        var (core, leases) = runningStep()
        let answered = core.onMessage(
            Script.answer(leases[0], milliseconds: 30), from: PeerID(rawValue: 1), now: Script.at(40))
        #expect(answered.contains(.accept(leases[0])))
        let figures = core.figures(now: Script.at(50))
        try #require(figures.count == 2)
        let first = figures[0]
        #expect(first.activity == .waiting && figures[1].activity == .computing)
        #expect(first.counters.steps == 1 && first.counters.shards == 1)
        #expect(first.counters.images == UInt64(2 * leases[0].examples))
        #expect(first.share == 1 && figures[1].share == 0)
        #expect(first.heardAgo == .milliseconds(10) && figures[1].heardAgo == .milliseconds(50))
        // 40 ms from lease to answer, 30 of them in the worker's hands.
        #expect(first.counters.recent.wire?.median == 0.01)
        #expect(first.counters.recent.compute?.median == 0.03)
        #expect(first.counters.recent.wait == nil, "before its first answer nobody knows")
    }

    @Test func aWorkerWhoseShardSomebodyElseGotIsStalled() {
        var (core, leases) = runningStep()
        for time in stride(from: 10, through: 5_400 as UInt64, by: 100) {
            if time == 10 {
                _ = core.onMessage(Script.answer(leases[0]), from: PeerID(rawValue: 1), now: Script.at(time))
            }
            _ = core.onMessage(Script.idle(), from: PeerID(rawValue: 1), now: Script.at(time))
        }
        let figures = core.figures(now: Script.at(5_400))
        #expect(figures.map(\.activity) == [.computing, .stalled])
        #expect(figures.map(\.counters.late) == [0, 1])
    }

    @Test func aWorkerThatIsGoneLeavesNothing() {
        var (core, _) = runningStep()
        _ = core.onUnreachable(PeerID(rawValue: 1), now: Script.start)
        #expect(core.figures(now: Script.start).map(\.identity.peer) == [PeerID(rawValue: 2)])
    }
}
