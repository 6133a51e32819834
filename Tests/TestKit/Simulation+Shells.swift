// Part of Simulation: carrying out what the cores ask for.

import Coordination

extension Simulation {
    func carryOut(_ actions: [CoordinatorAction], of coordinator: SimulatedCoordinator) {
        var queue = actions[...]
        var isBetween = false
        while let action = queue.popFirst() {
            note("coordinator: \(action)")
            coordinator.tell(action)
            switch action {
            case .arbitrate(let lease): queue += coordinator.arbitrate(lease, now: now)
            case .stepComplete(let step):
                isBetween = coordinator.commit(step)
                guard isBetween else {
                    examinations += 1
                    queue += coordinator.core.onNonFinite(now: now)
                    continue
                }
                progressed()
                if coordinator.isCheckpointDue { save(coordinator.state) }
            case .noMajority(_, _, let step):
                coordinator.goBack(beforeRound: step)
                checkpoints = [coordinator.state]
                return operatorIntervenes()
            case .goBack(let step):
                isBetween = true
                coordinator.goBack(beforeRound: step)
                // Later ones must not be found any more.
                checkpoints = [coordinator.state]
                progressed()
            default: send(action, of: coordinator)
            }
        }
        if isBetween { carryOut(coordinator.beginNextStep(ahead: isPreparing, now: now), of: coordinator) }
        scheduleTimer(of: coordinator)
    }

    private func save(_ state: SimulatedCoordinator.State) {
        checkpoints = checkpoints.suffix(1) + [state]
    }

    /// Something was achieved, or found out.
    private func progressed() { lastProgress = now }

    /// The actions that put something on the wire.
    private func send(_ action: CoordinatorAction, of coordinator: SimulatedCoordinator) {
        let run = coordinator.core.run
        switch action {
        case .welcome(let peer):
            send(.welcome(coordinator.welcome), [[1, 2, 3]], to: peer)
        case .weights(let step, let peer), .latentGradients(let step, let peer):
            let content = coordinator.content
            if step != content.number { problems.append("weights of step \(step) are not there") }
            let (message, payload) = content.message(run, hasWeights: action == .latentGradients(step: step, to: peer))
            send(message, payload, to: peer)
        case .lease(let lease, let peer):
            leases += 1
            if lease.run != run { problems.append("\(lease) is of run \(lease.run), which is over") }
            let payload = coordinator.payload(of: lease)
            let content = ShardContent(pixels: fingerprint(of: payload[0]), targets: fingerprint(of: payload[1]))
            send(.shard(lease, content), payload, to: peer)
        case .refuse(let peer, let refusal): send(.refuse(refusal), to: peer)
        case .ping(let peer): send(.ping(run: run), to: peer)
        case .goodbye(let peer, let reason): send(.goodbye(run: run, reason), to: peer)
        case .noWorkers: deserted += 1
        default: break
        }
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
        let step = lastStep
        if failures[step, default: 0] < 2, random.happens(scenario.failureRate), now < scenario.calm {
            failures[step, default: 0] += 1
            worker.abandonComputation()
            carryOut(worker.core.onFailed(reason: "an injected failure", now: now), of: worker)
        } else {
            let outcome = worker.compute(&random)
            let actions = worker.core.onComputed(nodes: outcome.nodes, weights: outcome.weights, now: now)
            carryOut(actions, of: worker, frames: outcome.frames)
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
        let direction = Direction(connection: peer, toWorker: true)
        for (arrival, frames) in deliveries(of: Frames(header: message.header, payload: payload), direction) {
            queue.schedule(.toWorker(worker, peer, frames), at: arrival)
        }
    }

    private func send(_ message: WorkerMessage, _ payload: [[UInt8]] = [], from worker: SimulatedWorker) {
        guard let peer = worker.connection else { return }
        let direction = Direction(connection: peer, toWorker: false)
        for (arrival, frames) in deliveries(of: Frames(header: message.header, payload: payload), direction) {
            queue.schedule(.toCoordinator(peer, frames), at: arrival)
        }
    }

    /// What arrives of a message, and when.
    private func deliveries(of frames: Frames, _ direction: Direction) -> [(Instant, Frames)] {
        if recorded.count < 64 {
            recorded.append((direction, frames))
        } else {
            recorded[random.below(64)] = (direction, frames)
        }
        return arrivals(direction).map { arrival in
            let isDamaged = now < scenario.calm && random.happens(scenario.damageRate)
            return (arrival, isDamaged ? frames.damaged(&random) : frames)
        }
    }

    /// When a message arrives: never, once, or twice; in order, unless the network is a lossy one.
    private func arrivals(_ direction: Direction) -> [Instant] {
        let isCalm = now >= scenario.calm
        if !isCalm, random.happens(scenario.lossRate) { return [] }
        if let end = partitions[direction], now < end { return [] }
        let copies = !isCalm && random.happens(scenario.duplicationRate) ? 2 : 1
        return (0..<copies).map { _ in
            let delay = Duration(nanoseconds: UInt64(random.below(Int(scenario.longestDelay.nanoseconds))))
            let soonest = max(now + delay, clogs[direction] ?? now)
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
