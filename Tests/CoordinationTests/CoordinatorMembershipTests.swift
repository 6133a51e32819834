// The coordinator's core as straight scripts: who comes in, who is sent away, and whose silence is whose fault.

import Coordination
import TestKit
import Testing

@Suite struct CoordinatorMembershipTests {
    private let a = PeerID(rawValue: 1)
    private let b = PeerID(rawValue: 2)
    private let c = PeerID(rawValue: 3)

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
            (.foreignHello(foreign), .protocolVersion, ["77", "5"]),
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

    @Test func silenceEvicts() {
        var core = Script.core(a)
        let worker = core.workers[0]
        for second in 1...9 as ClosedRange<UInt64> {
            #expect(core.onDeadline(now: Script.at(second * 1000)) == [.ping(a)])
        }
        #expect(
            core.onDeadline(now: Script.at(10_000))
                == [.goodbye(a, .evicted), .lost(worker, .silent(limit: .seconds(10)))])
    }

    @Test func theCoordinatorsOwnSleepIsNobodysSilence() {
        var core = Script.core(a)
        #expect(core.onDeadline(now: Script.at(60_000)) == [.ping(a)])
        #expect(core.workers.count == 1)
    }

    @Test func stopSendsEverybodyHome() {
        var core = Script.core(a, b)
        #expect(core.stop(.finished, now: Script.start) == [.goodbye(a, .finished), .goodbye(b, .finished)])
        #expect(core.onMessage(Script.hello(3), from: c, now: Script.start) == [.goodbye(c, .finished)])
        #expect(core.nextDeadline == nil)
    }

    @Test func aMalformedMessageEvictsAndTheThirdOneIsTheLast() {
        var core = Script.core(a)
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
        var core = Script.core(a)
        for _ in 1...10 {
            let actions = core.onMalformed(.damaged(frame: nil), from: a, now: Script.start)
            #expect(actions.contains(.goodbye(a, .evicted)))
            #expect(core.onMessage(Script.hello(a.rawValue), from: a, now: Script.start).first == .welcome(a))
        }
    }

    @Test func aWorkerThatComesBackOnAnotherConnectionReplacesItself() {
        var core = Script.core(a, b)
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
        var core = Script.core(a, b)
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
}
