// Part of Simulation: what goes wrong, and what comes to the rescue.

import Coordination

extension Simulation {
    func join() {
        let worker = SimulatedWorker(
            index: workers.count, credential: credential(of: workers.count), build: Self.build,
            examplesPerMicrobatch: scenario.extent.examplesPerMicrobatch,
            isNoise: scenario.damageRate > 0, now: now)
        workers.append(worker)
        note("worker \(worker.index) starts")
        connect(worker)
        carryOut(worker.core.onStart(now: now), of: worker)
    }

    /// Whoever comes after a revocation, or after the key was put into quarantine as a whole, has been given another one.
    private func credential(of index: Int) -> String? {
        let name: String
        switch scenario.credentials {
        case .none: return nil
        case .own: name = "k\(index)"
        case .shared(let count): name = "k\(index % count)"
        }
        let isQuarantined = coordinator?.core.ledger.quarantined.contains("key \(name)") == true
        return isQuarantined || revokedKeys.contains(name) ? "new \(index)" : name
    }

    /// All that have the key of some worker are sent away, and their processes end.
    private func revoke() {
        guard let key = anyWorker()?.credential else { return }
        revocations += 1
        revokedKeys.insert(key)
        for worker in workers where worker.isAlive && worker.credential == key {
            if let coordinator, let peer = worker.connection {
                carryOut(coordinator.core.onRevoked(peer, keyName: key, now: now), of: coordinator)
            }
            worker.kill()
            worker.connection = nil
        }
    }

    /// The link is there again; most shells are told, but nobody may rely on it.
    func reconnect(_ worker: SimulatedWorker) {
        connect(worker)
        if random.happens(0.7) { carryOut(worker.core.onLinkUp(now: now), of: worker) }
    }

    /// A connection under a new id, as ZeroMQ's ROUTER gives it: the coordinator cannot know that it is an old friend.
    func connect(_ worker: SimulatedWorker) {
        connections += 1
        worker.connection = PeerID(rawValue: connections)
    }

    func startCoordinator() {
        starts += 1
        let run = RunID(high: scenario.seed, low: starts << 20)
        let coordinator = SimulatedCoordinator(
            run: run, build: Self.build, scenario: scenario, state: checkpoints.last ?? .init(), now: now)
        self.coordinator = coordinator
        lastProgress = now
        note("coordinator starts after step \(lastStep)")
        carryOut(coordinator.beginNextStep(ahead: isPreparing, now: now), of: coordinator)
    }

    func retire(_ coordinator: SimulatedCoordinator) {
        problems += coordinator.problems
        audits += coordinator.audits
        quarantined += coordinator.quarantined
        returns += coordinator.returns
        ignored += coordinator.ignored
    }

    func strike(_ kind: Fault.Kind) {
        if coordinator?.isFinished == true { return }
        note("fault: \(kind)")
        switch kind {
        case .kill: if let victim = anyWorker() { kill(victim) }
        case .killAll: for worker in workers where worker.isAlive { kill(worker) }
        case .pause(let time):
            guard let worker = anyWorker() else { return }
            worker.pausedUntil = max(now + time, worker.pausedUntil ?? now)
        case .breakLink(let time): if let victim = anyWorker() { breakLink(of: victim, for: time) }
        case .leave:
            if let victim = anyWorker() { carryOut(victim.core.onStop(reason: "SIGTERM", now: now), of: victim) }
        case .join: join()
        case .joinMany(let count): for _ in 0..<count { join() }
        case .partition(let toWorker, let time):
            if let connection = anyWorker()?.connection {
                partitions[Direction(connection: connection, toWorker: toWorker)] = now + time
            }
        case .partitionAll(let toWorker, let time):
            for case let connection? in workers.map(\.connection) {
                partitions[Direction(connection: connection, toWorker: toWorker)] = now + time
            }
        case .clog(let time):
            guard let connection = anyWorker()?.connection else { return }
            for toWorker in [false, true] { clogs[Direction(connection: connection, toWorker: toWorker)] = now + time }
        case .corrupt(let chance): anyWorker()?.corruption = chance
        case .overflow(let chance): anyWorker()?.overflow = chance
        case .revoke: revoke()
        case .replay(let count): replay(count)
        case .slowDown(let factor): for worker in workers where random.happens(0.5) { worker.slowness = factor }
        case .pauseCoordinator(let time):
            guard let coordinator else { return }
            coordinator.pausedUntil = max(now + time, coordinator.pausedUntil ?? now)
        case .restartCoordinator(let time, let isTorn):
            if isTorn, coordinator != nil, checkpoints.count > 1 {
                torn += 1
                checkpoints.removeLast()
            }
            restartCoordinator(after: time)
        }
    }

    /// Once the faults are over, a run must end: if nobody is left, somebody comes.
    func rescue() {
        if coordinator?.isFinished == true { return }
        if !workers.contains(where: \.isAlive) { join() }
        queue.schedule(.rescue, at: now + .seconds(3))
    }

    /// Captured traffic, delivered again: what a coordinator said to any worker, and what a worker said over its own connection,
    /// for whom a connection belongs to is beyond a replay.
    private func replay(_ count: Int) {
        for _ in 0..<min(count, recorded.count) {
            let (direction, frames) = recorded[random.below(recorded.count)]
            let time = now + .milliseconds(UInt64(random.within(0...2_000)))
            if direction.toWorker, let worker = anyWorker(), let connection = worker.connection {
                queue.schedule(.toWorker(worker, connection, frames), at: time)
            } else if !direction.toWorker {
                queue.schedule(.toCoordinator(direction.connection, frames), at: time)
            }
        }
    }

    private func anyWorker() -> SimulatedWorker? {
        let alive = workers.filter(\.isAlive)
        return alive.isEmpty ? nil : alive[random.below(alive.count)]
    }

    private func kill(_ worker: SimulatedWorker) {
        note("worker \(worker.index) is killed")
        let connection = worker.connection
        worker.kill()
        worker.connection = nil
        if let connection, scenario.noticesBrokenLinks, random.happens(0.5) {
            queue.schedule(.unreachable(connection), at: now + .milliseconds(1))
        }
    }

    private func breakLink(of worker: SimulatedWorker, for time: Duration) {
        note("the link of worker \(worker.index) breaks")
        worker.connection = nil
        queue.schedule(.reconnect(worker), at: now + time)
    }

    /// There was no majority for an answer: the run has stopped, and its user finds the broken machine and starts it again.
    func operatorIntervenes() {
        note("the operator intervenes")
        if !workers.contains(where: { $0.corruptions + $0.overflows > 0 }) {
            problems.append("nobody computed wrongly")
        }
        for worker in workers where worker.isAlive && worker.corruption + worker.overflow > 0 { kill(worker) }
        interventions += 1
        restartCoordinator(after: .seconds(1))
    }

    private func restartCoordinator(after time: Duration) {
        guard let coordinator else { return }  // it is dead already, and will be back
        retire(coordinator)
        self.coordinator = nil
        note("the coordinator is killed after step \(coordinator.state.lastStep)")
        queue.schedule(.startCoordinator, at: now + time)
        for worker in workers where worker.isAlive {
            breakLink(of: worker, for: time + .milliseconds(UInt64(random.within(1...500))))
        }
    }
}
