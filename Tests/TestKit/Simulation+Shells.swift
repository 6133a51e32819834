// Part of Simulation: carrying out what the cores ask for.

import Coordination

extension Simulation {
    func carryOut(_ actions: [CoordinatorAction], of coordinator: SimulatedCoordinator) {
        var completed: UInt64?
        for action in actions {
            note("coordinator: \(action)")
            coordinator.tell(action)
            switch action {
            case .welcome(let peer):
                let welcome = Welcome(
                    run: coordinator.run, parameterCount: ToyModel.parameterCount, jobDescriptionBytes: 3)
                send(.welcome(welcome), [[1, 2, 3]], to: peer)
            case .weights(let step, let peer):
                if step != coordinator.checkpoint.lastStep + 1 {
                    problems.append("weights of step \(step) are not there")
                }
                send(.weights(run: coordinator.run, step: step), coordinator.weightsPayload, to: peer)
            case .lease(let lease, let peer):
                leases += 1
                send(.shard(lease), coordinator.payload(of: lease), to: peer)
            case .refuse(let peer, let refusal): send(.refuse(refusal), to: peer)
            case .ping(let peer): send(.ping(run: coordinator.run), to: peer)
            case .goodbye(let peer, let reason): send(.goodbye(run: coordinator.run, reason), to: peer)
            case .noWorkers: deserted += 1
            case .stepComplete(let step): completed = step
            case .accept, .compare, .ignore, .joined, .lost, .workersBack, .shardFailed: break
            }
        }
        if let completed {
            coordinator.commit(completed)
            checkpoint = coordinator.checkpoint
            carryOut(coordinator.beginNextStep(ahead: isPreparing, now: now), of: coordinator)
        }
        scheduleTimer(of: coordinator)
    }

    func carryOut(_ actions: [WorkerAction], of worker: SimulatedWorker, frames: [[UInt8]] = []) {
        for action in actions {
            note("worker \(worker.index): \(action)")
            worker.perform(action)
            switch action {
            case .send(let message):
                if case .partials = message { send(message, frames, from: worker) } else { send(message, from: worker) }
            case .compute(let lease):
                let time = computeTime(of: lease, by: worker)
                queue.schedule(.computed(worker), at: now + time)
            case .finish: worker.connection = nil
            case .prepare, .keep, .keepWeights, .drop, .ignore: break
            }
        }
        scheduleTimer(of: worker)
    }

    func onComputed(_ worker: SimulatedWorker) {
        guard worker.isAlive else { return }
        let step = checkpoint.lastStep
        if failures[step, default: 0] < 2, random.happens(scenario.failureRate), now < scenario.calm {
            failures[step, default: 0] += 1
            worker.abandonComputation()
            carryOut(worker.core.onFailed(reason: "an injected failure", now: now), of: worker)
        } else {
            let (nodes, frames) = worker.compute()
            let actions = worker.core.onComputed(nodes: nodes, now: now)
            carryOut(actions, of: worker, frames: frames)
        }
    }

    /// Most steps are prepared while the one before them is computed, as a real shell does it.
    var isPreparing: Bool { random.happens(0.8) }

    private func computeTime(of lease: ShardLease, by worker: SimulatedWorker) -> Duration {
        scenario.microbatchTime * UInt64(lease.range.count) * worker.slowness
    }

    // MARK: Timers

    func onTimer(of worker: SimulatedWorker) {
        worker.timer = nil
        guard worker.isAlive else { return }
        carryOut(worker.core.onDeadline(now: now), of: worker)
    }

    func onCoordinatorTimer() {
        guard let coordinator else { return }
        coordinator.timer = nil
        carryOut(coordinator.core.onDeadline(now: now), of: coordinator)
    }

    private func scheduleTimer(of worker: SimulatedWorker) {
        guard worker.isAlive, let deadline = worker.core.nextDeadline, deadline < worker.timer ?? .distantFuture
        else { return }
        worker.timer = deadline
        queue.schedule(.workerTimer(worker), at: max(deadline, now))
    }

    private func scheduleTimer(of coordinator: SimulatedCoordinator) {
        guard let deadline = coordinator.core.nextDeadline, deadline < coordinator.timer ?? .distantFuture
        else { return }
        coordinator.timer = deadline
        queue.schedule(.coordinatorTimer, at: max(deadline, now))
    }

    // MARK: The network

    private func send(_ message: CoordinatorMessage, _ payload: [[UInt8]] = [], to peer: PeerID) {
        guard let worker = workers.first(where: { $0.connection == peer }) else {
            if scenario.noticesBrokenLinks { queue.schedule(.unreachable(peer), at: now) }
            return
        }
        let frames = Frames(header: message.header, payload: payload)
        for arrival in arrivals(Direction(connection: peer, toWorker: true)) {
            queue.schedule(.toWorker(worker, peer, frames), at: arrival)
        }
    }

    private func send(_ message: WorkerMessage, _ payload: [[UInt8]] = [], from worker: SimulatedWorker) {
        guard let peer = worker.connection else { return }
        let frames = Frames(header: message.header, payload: payload)
        for arrival in arrivals(Direction(connection: peer, toWorker: false)) {
            queue.schedule(.toCoordinator(peer, frames), at: arrival)
        }
    }

    /// When a message arrives: never, once, or twice; in order, unless the network is a lossy one.
    private func arrivals(_ direction: Direction) -> [Instant] {
        let isCalm = now >= scenario.calm
        if !isCalm, random.happens(scenario.lossRate) { return [] }
        let copies = !isCalm && random.happens(scenario.duplicationRate) ? 2 : 1
        return (0..<copies).map { _ in
            let delay = Duration(nanoseconds: UInt64(random.below(Int(scenario.longestDelay.nanoseconds))))
            let soonest = now + delay
            if scenario.lossRate > 0 { return soonest }
            let arrival = max(soonest, latestArrival[direction] ?? soonest)
            latestArrival[direction] = arrival
            return arrival
        }
    }
}

extension Instant {
    fileprivate static let distantFuture = Instant(nanoseconds: .max)
}
