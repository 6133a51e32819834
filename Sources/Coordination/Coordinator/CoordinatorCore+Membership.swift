// Part of CoordinatorCore: who comes in, who is heard of, who is gone.

extension CoordinatorCore {
    mutating func onHello(
        _ hello: Hello, from peer: PeerID, _ credential: String?, _ now: Instant
    ) -> [CoordinatorAction] {
        guard hello.build == configuration.build else { return refuse(peer, hello.build) }
        let identity = WorkerIdentity(hello, peer: peer, credential: credential)
        guard !ledger.isQuarantined(identity) else {
            return [.refuse(peer, refusal(.quarantined, Self.quarantineNotice))]
        }
        if let known = roster[peer] {
            guard known.identity.incarnation != hello.incarnation else {
                roster[peer]?.heard = now
                return [.welcome(peer)]  // the first welcome is still under way, or lost
            }
            return lose(peer, .replaced, now) + admit(identity, now)
        }
        // The same process on a new connection: the old one is dead, whether or not libzmq knows it.
        let before = roster.members.first {
            $0.identity.incarnation == hello.incarnation && $0.identity.person == identity.person
        }
        let departure = before.map { lose($0.peer, .moved, now) } ?? []
        guard roster.members.count < configuration.maximumWorkers else {
            let reason = "there are \(configuration.maximumWorkers) workers already: try again later"
            return departure + [.refuse(peer, refusal(.full, reason))]
        }
        return departure + admit(identity, now)
    }

    private mutating func admit(_ identity: WorkerIdentity, _ now: Instant) -> [CoordinatorAction] {
        if roster.isEmpty { nextPing = now + configuration.patience.pingInterval }
        roster[identity.peer] = Member(identity: identity, heard: now)
        return [.welcome(identity.peer), .joined(identity)] + remarkAttendance() + dispatch(now)
    }

    func refusal(_ code: Refuse.Code, _ reason: String) -> Refuse {
        Refuse(code: code, build: configuration.build, reason: reason)
    }

    /// Both sides of every difference are named, so that either end of the line can be mended.
    func refuse(_ peer: PeerID, _ theirs: BuildIdentity) -> [CoordinatorAction] {
        let ours = configuration.build
        let (code, difference): (Refuse.Code, String) =
            if theirs.protocolVersion != ours.protocolVersion {
                (
                    .protocolVersion,
                    "worker speaks protocol version \(theirs.protocolVersion), coordinator \(ours.protocolVersion)"
                )
            } else if theirs.numericsVersion != ours.numericsVersion {
                (
                    .numericsVersion,
                    "worker has numerics version \(theirs.numericsVersion), coordinator \(ours.numericsVersion)"
                )
            } else {
                (
                    .selfTest,
                    "worker's arithmetic self-test gave \(theirs.selfTest), coordinator's \(ours.selfTest)"
                )
            }
        return [.refuse(peer, refusal(code, difference + ": install the same build on both"))]
    }

    /// Runs `body` if the message is from a worker of this run. A stranger is told to say hello (again).
    mutating func fromWorker(
        _ peer: PeerID, run: RunID, _ now: Instant, _ body: (inout CoordinatorCore) -> [CoordinatorAction]
    ) -> [CoordinatorAction] {
        guard roster[peer] != nil else { return [.ignore(peer, .notAdmitted), .goodbye(peer, .evicted)] }
        roster[peer]?.heard = now
        roster[peer]?.isStalled = false
        guard run == self.run else { return [.ignore(peer, .wrongRun(expected: self.run, got: run))] }
        return body(&self)
    }

    mutating func onProgress(_ progress: Progress, from peer: PeerID, _ now: Instant) -> [CoordinatorAction] {
        roster[peer]?.saidIdle = progress.isIdle ? now : nil
        return dispatch(now)
    }

    /// Removes a worker and gives its shards to others.
    mutating func lose(_ peer: PeerID, _ reason: LossReason, _ now: Instant) -> [CoordinatorAction] {
        guard roster[peer] != nil else { return [] }
        return remove(peer, reason, now) + dispatch(now) + remarkAttendance()
    }

    /// Removes a worker; whether its shards go to others, the caller knows.
    mutating func remove(_ peer: PeerID, _ reason: LossReason, _ now: Instant) -> [CoordinatorAction] {
        guard let member = roster[peer] else { return [] }
        roster[peer] = nil
        ledger.putTogetherAbsent(but: roster.members.lazy.map(\.identity.person))
        let failed = takeBackLeases(of: member.identity, vanished: reason == .unreachable, now)
        return [.lost(member.identity, reason)] + failed
    }

    mutating func evictSilent(_ now: Instant) -> [CoordinatorAction] {
        let limit = configuration.patience.silenceLimit
        let silent = roster.members.filter { $0.heard + limit <= now }.map(\.peer)
        return silent.flatMap { peer in
            [.goodbye(peer, .evicted)] + lose(peer, .silent(limit: limit), now)
        }
    }

    /// Links that may be broken, until a send fails or it was nothing.
    mutating func pingDoubtful(_ now: Instant) -> [CoordinatorAction] {
        var pinged: [CoordinatorAction] = []
        roster.forEach { member in
            guard var doubt = member.doubt, doubt.nextPing <= now else { return }
            pinged.append(.ping(member.peer))
            doubt.pingsLeft -= 1
            doubt.nextPing = now + doubt.interval
            doubt.interval = doubt.interval * 4
            member.doubt = doubt.pingsLeft > 0 ? doubt : nil
        }
        return pinged
    }

    mutating func pingAll(_ now: Instant) -> [CoordinatorAction] {
        guard nextPing <= now else { return [] }
        nextPing = now + configuration.patience.pingInterval
        return roster.members.map { .ping($0.peer) }
    }

    /// Says once that a step is waiting for workers, and once that they are back.
    mutating func remarkAttendance() -> [CoordinatorAction] {
        switch (attendance, roster.isEmpty) {
        case (.present, true) where step != nil:
            attendance = .absent
            return [.noWorkers]
        case (.absent, false):
            attendance = .present
            return [.workersBack]
        default: return []
        }
    }
}
