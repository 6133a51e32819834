// The worker as a pure state machine: registering, working, leaving. No socket, no clock, no model: the shell carries
// out the actions and calls back no later than `nextDeadline`. Table of states and events: docs/protocol.md.

/// Registers with a coordinator, computes what it is leased, and ends by itself when nobody wants it any more.
package struct WorkerCore: Sendable {
    /// Where we stand with the coordinator.
    enum Link: Sendable {
        case starting
        /// Hello is repeated until there is a welcome.
        case connecting(nextHello: Instant, interval: Duration, giveUp: Instant?)
        case admitted(run: RunID, heard: Instant, nextProgress: Instant)
        case ended(WorkerEnd)
    }

    let configuration: WorkerConfiguration
    private(set) var link = Link.starting
    var bench: Workbench
    /// The newest run that has welcomed us: an earlier coordinator of the same job that comes back is not followed.
    private(set) var newestRun: RunID
    private var registrations: UInt64 = 0
    private var watch: SleepWatch

    /// - Parameter newestRun: that has welcomed an earlier life of this process
    package init(configuration: WorkerConfiguration, newestRun: RunID = .none, now: Instant) {
        self.configuration = configuration
        self.newestRun = newestRun
        bench = Workbench(now: now)
        watch = SleepWatch(tolerance: configuration.patience.progressInterval * 3, now: now)
    }

    /// The run that we work for; nil before the welcome and after the end.
    package var run: RunID? { if case .admitted(let run, _, _) = link { run } else { nil } }

    /// The socket is there.
    package mutating func onStart(now: Instant) -> [WorkerAction] {
        guard case .starting = link else { preconditionFailure("a worker starts once, not in \(link)") }
        wake(now)
        return register(now)
    }

    /// A message arrived.
    package mutating func onMessage(_ message: CoordinatorMessage, now: Instant) -> [WorkerAction] {
        wake(now)
        if case .ended = link { return [] }
        switch message {
        case .welcome(let welcome): return onWelcome(welcome, now)
        case .refuse(let refusal): return finish(.refused(refusal))
        case .shard(let lease, _): return ofThisRun(lease.run, now) { worker in worker.onShard(lease, now) }
        case .weights(let run, let step, _), .latentGradients(let run, let step, _):
            return ofThisRun(run, now) { worker in worker.bench.takeWeights(of: step, now: now) }
        case .ping(let run): return ofThisRun(run, now) { _ in [] }
        case .goodbye(let run, _) where run.precedes(newestRun):
            return [.ignore(.outdatedCoordinator(newest: newestRun, got: run))]
        case .goodbye(_, .evicted): return onEvicted(now)
        case .goodbye(_, let reason): return finish(.finished(reason))
        case .statusReport: return [.ignore(.notAskedFor)]
        }
    }

    /// The connection has come up, for the first time or anew. Whoever is at its other end does not know us.
    package mutating func onLinkUp(now: Instant) -> [WorkerAction] {
        wake(now)
        switch link {
        case .starting, .ended: return []
        case .connecting(_, _, let giveUp):
            let interval = configuration.patience.firstHelloInterval
            link = .connecting(nextHello: now + interval, interval: interval, giveUp: giveUp)
            return [.send(.hello(hello))]
        case .admitted: return onEvicted(now)
        }
    }

    /// The computation has summed so many microbatches of its lease.
    package mutating func onProgress(lease: UInt64, microbatchesDone: UInt32, now: Instant) -> [WorkerAction] {
        wake(now)
        bench.progressed(lease, microbatchesDone: microbatchesDone)
        return []
    }

    /// The computation under way has ended well.
    ///
    /// - Parameter weights: fingerprint of the weights it was done at, as they are now
    package mutating func onComputed(nodes: [NodeSummary], weights: UInt64, now: Instant) -> [WorkerAction] {
        wake(now)
        guard let (lease, times) = bench.ended(now: now) else { return bench.startNext(now) }
        let partials = Partials(answering: lease, times: times, weights: weights, nodes: nodes)
        return [.send(.partials(partials))] + bench.startNext(now)
    }

    /// The computation under way has failed.
    package mutating func onFailed(reason: String, now: Instant) -> [WorkerAction] {
        wake(now)
        guard let (lease, _) = bench.ended(now: now) else { return bench.startNext(now) }
        return [.send(.failure(Failure(answering: lease, reason: reason)))] + bench.startNext(now)
    }

    /// This process is to end (a signal). A computation under way is abandoned: somebody else will do it.
    package mutating func onStop(reason: String, now: Instant) -> [WorkerAction] {
        wake(now)
        if case .ended = link { return [] }
        return [.send(.goodbye(run: run ?? .none, reason: reason))] + finish(.left)
    }

    /// `nextDeadline` has passed (calling earlier does no harm).
    package mutating func onDeadline(now: Instant) -> [WorkerAction] {
        wake(now)
        let patience = configuration.patience
        switch link {
        case .starting, .ended: return []
        case .connecting(_, _, let giveUp?) where giveUp <= now:
            return finish(
                newestRun == .none
                    ? .noCoordinator(limit: patience.connectLimit ?? .zero)
                    : .lostCoordinator(limit: patience.reconnectLimit ?? .zero))
        case .connecting(let nextHello, let interval, let giveUp):
            guard nextHello <= now else { return [] }
            let longer = min(interval * 2, patience.longestHelloInterval)
            link = .connecting(nextHello: now + longer, interval: longer, giveUp: giveUp)
            return [.send(.hello(hello))]
        case .admitted(_, let heard, _) where heard + patience.silenceLimit <= now:
            return bench.clear() + register(now)
        case .admitted(let run, let heard, let nextProgress):
            guard nextProgress <= now else { return [] }
            link = .admitted(run: run, heard: heard, nextProgress: now + patience.progressInterval)
            return [.send(.progress(progress(run)))]
        }
    }

    /// When `onDeadline` must be called at the latest; nil: the worker has not started or has ended.
    package var nextDeadline: Instant? {
        switch link {
        case .starting, .ended: nil
        case .connecting(let nextHello, _, let giveUp): min(nextHello, giveUp ?? nextHello)
        case .admitted(_, let heard, let nextProgress):
            min(nextProgress, heard + configuration.patience.silenceLimit)
        }
    }

    // MARK: Registering

    private var hello: Hello {
        Hello(
            build: configuration.build, incarnation: configuration.incarnation &+ registrations,
            threads: configuration.threads, processID: configuration.processID,
            processName: configuration.processName)
    }

    private mutating func register(_ now: Instant) -> [WorkerAction] {
        let patience = configuration.patience
        registrations += 1
        link = .connecting(
            nextHello: now + patience.firstHelloInterval, interval: patience.firstHelloInterval,
            giveUp: (newestRun == .none ? patience.connectLimit : patience.reconnectLimit).map { now + $0 })
        return [.send(.hello(hello))]
    }

    /// A welcome for another run is from a restarted coordinator, or from one that has gone back: whatever we had for the old
    /// one is void. An older coordinator of the same job that comes back is not followed.
    private mutating func onWelcome(_ welcome: Welcome, _ now: Instant) -> [WorkerAction] {
        if run == welcome.run {
            heard(now)
            return [.ignore(.alreadyAdmitted)]
        }
        guard !welcome.run.precedes(newestRun) else {
            return [.ignore(.outdatedCoordinator(newest: newestRun, got: welcome.run))]
        }
        newestRun = welcome.run
        let dropped = bench.clear()
        link = .admitted(
            run: welcome.run, heard: now, nextProgress: now + configuration.patience.progressInterval)
        return dropped + [.prepare(welcome)]
    }

    /// We were silent for too long, the connection was renewed, or the coordinator was: register anew.
    private mutating func onEvicted(_ now: Instant) -> [WorkerAction] {
        guard run != nil else { return [.ignore(.notAdmitted)] }
        return bench.clear() + register(now)
    }

    // MARK: Working

    private mutating func onShard(_ lease: ShardLease, _ now: Instant) -> [WorkerAction] {
        if let objection = bench.objection(to: lease) { return [.ignore(objection)] }
        return bench.put(lease, now: now)
    }

    private func progress(_ run: RunID) -> Progress {
        guard let (lease, done) = bench.current ?? bench.next.map({ ($0, 0) }) else {
            return Progress(run: run, step: 0, lease: 0, microbatchesDone: 0)
        }
        return Progress(run: run, step: lease.step, lease: lease.lease, microbatchesDone: done)
    }

    // MARK: Common

    private mutating func ofThisRun(
        _ other: RunID, _ now: Instant, _ body: (inout WorkerCore) -> [WorkerAction]
    ) -> [WorkerAction] {
        guard let run else { return [.ignore(.notAdmitted)] }
        guard run == other else { return [.ignore(.wrongRun(expected: run, got: other))] }
        heard(now)
        return body(&self)
    }

    private mutating func heard(_ now: Instant) {
        guard case .admitted(let run, _, let nextProgress) = link else { return }
        link = .admitted(run: run, heard: now, nextProgress: nextProgress)
    }

    private mutating func finish(_ end: WorkerEnd) -> [WorkerAction] {
        let dropped = bench.clear()
        link = .ended(end)
        return dropped + [.finish(end)]
    }

    /// Moves time on; if this process has slept, the coordinator is not to blame for its silence.
    private mutating func wake(_ now: Instant) {
        guard let slept = watch.advance(to: now) else { return }
        switch link {
        case .starting, .ended: break
        case .connecting(let nextHello, let interval, let giveUp):
            link = .connecting(nextHello: nextHello, interval: interval, giveUp: giveUp.map { $0 + slept })
        case .admitted(let run, let heard, let nextProgress):
            link = .admitted(run: run, heard: min(heard + slept, now), nextProgress: nextProgress)
        }
    }
}
