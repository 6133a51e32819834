// Part of TreeSimulation: carrying out what the cores ask for, and the links between them.

import Coordination

extension TreeSimulation {
    func deliver(_ frames: Frames, _ connection: Connection, up: Bool) {
        let node = up ? connection.parent : connection.child
        switch node.process {
        case .none: break
        case .coordinator(let coordinator):
            coordinatorMessages += 1
            carryOut(coordinator.receive(frames, from: connection.peer, now: now), of: coordinator, node)
        case .relay(let relay):
            guard relay.isAlive else { return }
            let outputs =
                up
                ? relay.receive(frames, from: connection.peer, now: now) : relay.receive(fromAbove: frames, now: now)
            output(outputs, of: node)
        case .worker(let worker):
            guard worker.isAlive else { return }
            carryOut(worker.receive(frames, now: now), of: worker, node)
        }
    }

    func onTimer(of node: Node) {
        node.timer = nil
        switch node.process {
        case .none: break
        case .coordinator(let coordinator): carryOut(coordinator.core.onDeadline(now: now), of: coordinator, node)
        case .relay(let relay):
            if relay.isAlive { output(relay.carryOut(relay.core.onDeadline(now: now), now: now), of: node) }
        case .worker(let worker): if worker.isAlive { carryOut(worker.core.onDeadline(now: now), of: worker, node) }
        }
    }

    func onUnreachable(_ peer: PeerID, _ node: Node) {
        switch node.process {
        case .coordinator(let coordinator):
            carryOut(coordinator.core.onUnreachable(peer, now: now), of: coordinator, node)
        case .relay(let relay):
            if relay.isAlive { output(relay.carryOut(relay.core.onUnreachable(peer, now: now), now: now), of: node) }
        case .none, .worker: break
        }
    }

    func onComputed(_ node: Node) {
        guard case .worker(let worker) = node.process, worker.isAlive else { return }
        let outcome = worker.compute(&random)
        let actions = worker.core.onComputed(nodes: outcome.nodes, weights: outcome.weights, now: now)
        carryOut(actions, of: worker, node, frames: outcome.frames)
    }

    // MARK: Actions

    func output(_ outputs: [SimulatedRelay.Output], of node: Node) {
        for output in outputs {
            switch output {
            case .up(let frames): sendUp(frames, from: node)
            case .down(let frames, let peer): sendDown(frames, to: peer, from: node)
            }
        }
        if !node.isAlive { return leave(node) }
        scheduleTimer(of: node)
    }

    func carryOut(_ actions: [WorkerAction], of worker: SimulatedWorker, _ node: Node, frames: [[UInt8]] = []) {
        for action in actions {
            note("worker in slot \(node.slot): \(action)")
            worker.perform(action)
            switch action {
            case .send(let message):
                var payload: [[UInt8]] = []
                if case .partials = message { payload = frames }
                sendUp(Frames(header: message.header, payload: payload), from: node)
            case .compute(let lease):
                let time = scenario.microbatchTime * UInt64(lease.range.count)
                queue.schedule(.computed(node, start: node.starts), at: now + time)
            default: break
            }
        }
        if !node.isAlive { return leave(node) }
        scheduleTimer(of: node)
    }

    func carryOut(_ actions: [CoordinatorAction], of coordinator: SimulatedCoordinator, _ node: Node) {
        var queue = actions[...]
        var isBetween = false
        while let action = queue.popFirst() {
            note("coordinator: \(action)")
            coordinator.tell(action)
            switch action {
            case .arbitrate(let lease): queue += coordinator.arbitrate(lease, now: now)
            case .stepComplete(let step):
                isBetween = true
                if !coordinator.commit(step) { problems.append("the sum of step \(step) is not finite") }
                state = coordinator.state
            case .quarantined, .goBack, .noMajority: problems.append("nobody computes wrongly here: \(action)")
            default:
                guard let (message, payload, peer) = message(of: action, coordinator) else { continue }
                sendDown(Frames(header: message.header, payload: payload), to: peer, from: node)
            }
        }
        if isBetween {
            let next = coordinator.beginNextStep(ahead: random.happens(0.8), now: now)
            if coordinator.isFinished, !isFinished {
                isFinished = true
                // It writes its files; who comes late is still sent home.
                self.queue.schedule(.gone(node, start: node.starts), at: now + .seconds(2))
            }
            carryOut(next, of: coordinator, node)
        }
        scheduleTimer(of: node)
    }

    private func message(
        of action: CoordinatorAction, _ coordinator: SimulatedCoordinator
    ) -> (CoordinatorMessage, [[UInt8]], PeerID)? {
        let run = coordinator.core.run
        switch action {
        case .welcome(let peer): return (.welcome(coordinator.welcome), [[1, 2, 3]], peer)
        case .weights(let step, let peer), .latentGradients(let step, let peer):
            let content = coordinator.content
            if step != content.number { problems.append("weights of step \(step) are not there") }
            let (message, payload) = content.message(run, hasWeights: action == .latentGradients(step: step, to: peer))
            return (message, payload, peer)
        case .lease(let lease, let peer):
            let payload = coordinator.payload(of: lease)
            let content = ShardContent(pixels: fingerprint(of: payload[0]), targets: fingerprint(of: payload[1]))
            return (.shard(lease, content), payload, peer)
        case .refuse(let peer, let refusal): return (.refuse(refusal), [], peer)
        case .ping(let peer): return (.ping(run: run), [], peer)
        case .goodbye(let peer, let reason): return (.goodbye(run: run, reason), [], peer)
        default: return nil
        }
    }

    // MARK: Links and timers

    private func sendUp(_ frames: Frames, from node: Node) {
        guard let connection = node.up else { return }
        send(frames, connection, up: true)
    }

    private func sendDown(_ frames: Frames, to peer: PeerID, from node: Node) {
        if node.parent == nil { coordinatorMessages += 1 }
        guard let connection = node.children[peer] else {
            return queue.schedule(.unreachable(node, peer, start: node.starts), at: now)
        }
        send(frames, connection, up: false)
    }

    /// It arrives never, once or twice; in order, unless the network is a lossy one.
    private func send(_ frames: Frames, _ connection: Connection, up: Bool) {
        let isCalm = now >= scenario.calm
        if !isCalm, random.happens(scenario.lossRate) { return }
        for _ in 0..<(!isCalm && random.happens(scenario.duplicationRate) ? 2 : 1) {
            var arrival = now + Duration(nanoseconds: UInt64(random.below(Int(scenario.longestDelay.nanoseconds))))
            if scenario.lossRate == 0 { arrival = max(arrival, connection.latestArrival[up] ?? arrival) }
            connection.latestArrival[up] = arrival
            queue.schedule(.deliver(connection, up: up, frames), at: arrival)
        }
    }

    func scheduleTimer(of node: Node) {
        guard let deadline = node.nextDeadline, deadline < node.timer ?? .distantFuture else { return }
        node.timer = deadline
        queue.schedule(.timer(node, start: node.starts), at: max(deadline, now))
    }
}

extension Instant {
    fileprivate static let distantFuture = Instant(nanoseconds: .max)
}
