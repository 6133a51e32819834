// One coordinator, relays and workers as a tree, on a virtual clock. Every process that ends before the run is started again
// at its slot, as a cluster's supervisor would do it; its children find their way back by themselves.

import Coordination

/// The world of one run with relays.
package final class TreeSimulation {
    enum Event {
        case deliver(Connection, up: Bool, Frames)
        case timer(Node, start: Int)
        case computed(Node, start: Int)
        case unreachable(Node, PeerID, start: Int)
        case connect(Node)
        case start(Node)
        case strike(TreeScenario.Fault)
        case gone(Node, start: Int)
    }

    /// Between a process and the one above it.
    final class Connection {
        let peer: PeerID
        let child: Node
        let parent: Node
        var isUp = true
        var latestArrival: [Bool: Instant] = [:]

        init(peer: PeerID, child: Node, parent: Node) {
            (self.peer, self.child, self.parent) = (peer, child, parent)
        }
    }

    /// A slot and the process in it.
    final class Node {
        enum Process {
            case none
            case coordinator(SimulatedCoordinator)
            case relay(SimulatedRelay)
            case worker(SimulatedWorker)
        }

        let slot: Int
        let parent: Node?
        var process = Process.none
        /// Counts processes, so that what was meant for one does not reach the next.
        var starts = 0
        var timer: Instant?
        var pausedUntil: Instant?
        /// The process has ended, but its last words are still on their way.
        var isLeaving = false
        var up: Connection?
        var children: [PeerID: Connection] = [:]

        init(slot: Int, parent: Node?) { (self.slot, self.parent) = (slot, parent) }

        var isAlive: Bool {
            switch process {
            case .none: false
            case .coordinator: true
            case .relay(let relay): relay.isAlive
            case .worker(let worker): worker.isAlive
            }
        }

        var nextDeadline: Instant? {
            switch process {
            case .none: nil
            case .coordinator(let coordinator): coordinator.core.nextDeadline
            case .relay(let relay): relay.isAlive ? relay.core.nextDeadline : nil
            case .worker(let worker): worker.isAlive ? worker.core.nextDeadline : nil
            }
        }
    }

    static let limit = Duration.seconds(3_600)

    let scenario: TreeScenario
    let nodes: [Node]
    var random: SplitMix64
    var queue = EventQueue<Event>()
    var now = Instant(nanoseconds: 0)
    var state = SimulatedCoordinator.State()
    var connections: UInt64 = 0
    var problems: [String] = []
    var isFinished = false
    /// Messages of the coordinator itself, and processes started in place of others.
    var coordinatorMessages = 0
    private(set) var restarts = 0
    let isLogging: Bool
    private(set) var log: [String] = []

    package init(_ scenario: TreeScenario, logging: Bool = false) {
        self.scenario = scenario
        isLogging = logging
        random = SplitMix64(seed: ~scenario.seed)
        var nodes = [Node(slot: 0, parent: nil)]
        for parent in scenario.relays + scenario.workers {
            precondition(parent <= scenario.relays.count, "a worker has no workers")
            nodes.append(Node(slot: nodes.count, parent: nodes[parent]))
        }
        self.nodes = nodes
    }

    /// Runs until the coordinator has finished and every process has ended, or time is up.
    package func run() -> (digest: UInt64, problems: [String], messages: Int, restarts: Int, log: [String]) {
        for node in nodes { queue.schedule(.start(node), at: now) }
        for fault in scenario.faults { queue.schedule(.strike(fault), at: fault.time) }
        let end = Instant(nanoseconds: 0) + Self.limit
        while let (time, event) = queue.next(waitingUntil: { pause(of: $0) }), time < end, !isOver {
            now = time
            handle(event)
        }
        if !isOver {
            let alive = nodes.filter(\.isAlive).map(\.slot)
            problems.append(
                "not over after \(now.nanoseconds / 1_000_000) ms: \(state.lastStep) steps, alive: \(alive)")
        }
        nodes.forEach(retire)
        return (state.digest.value, problems, coordinatorMessages, restarts, log)
    }

    private var isOver: Bool { isFinished && !nodes.contains(where: \.isAlive) }

    private func handle(_ event: Event) {
        switch event {
        case .deliver(let connection, let up, let frames): if connection.isUp { deliver(frames, connection, up: up) }
        case .timer(let node, let start): if node.starts == start { onTimer(of: node) }
        case .computed(let node, let start): if node.starts == start { onComputed(node) }
        case .unreachable(let node, let peer, let start): if node.starts == start { onUnreachable(peer, node) }
        case .connect(let node): connect(node)
        case .start(let node): start(node)
        case .strike(let fault): strike(fault)
        case .gone(let node, let start): if node.starts == start { gone(node) }
        }
    }

    /// Until when the process that the event happens to is stopped.
    private func pause(of event: Event) -> Instant? {
        node(of: event).flatMap { $0.isAlive ? $0.pausedUntil : nil }
    }

    /// The process that an event happens to.
    private func node(of event: Event) -> Node? {
        switch event {
        case .deliver(let connection, let up, _): up ? connection.parent : connection.child
        case .timer(let node, _), .computed(let node, _), .unreachable(let node, _, _): node
        case .connect, .start, .strike, .gone: nil
        }
    }

    func note(_ line: @autoclosure () -> String) {
        if isLogging { log.append("\(now.nanoseconds / 1_000) µs  " + line().replacing("Coordination.", with: "")) }
    }

    // MARK: Processes

    private func start(_ node: Node) {
        guard !isFinished, !node.isAlive else { return }
        retire(node)
        node.starts += 1
        if node.starts > 1 { restarts += 1 }
        node.pausedUntil = nil
        node.timer = nil
        node.isLeaving = false
        note("slot \(node.slot) starts")
        let size = scenario.extent.examplesPerMicrobatch
        if node.slot == 0 {
            var job = Scenario(seed: scenario.seed)
            (job.steps, job.extent, job.audit) = (scenario.steps, scenario.extent, scenario.audit)
            job.isTwoRounds = scenario.isTwoRounds
            let coordinator = SimulatedCoordinator(
                run: RunID(high: scenario.seed, low: UInt64(node.starts)), build: Simulation.build, scenario: job,
                state: state, now: now)
            node.process = .coordinator(coordinator)
            carryOut(coordinator.beginNextStep(ahead: random.happens(0.8), now: now), of: coordinator, node)
        } else if node.slot <= scenario.relays.count {
            let incarnation = UInt64(node.slot) << 40 + UInt64(node.starts) << 20
            node.process = .relay(SimulatedRelay(incarnation: incarnation, examplesPerMicrobatch: size, now: now))
            connect(node)
        } else {
            let worker = SimulatedWorker(
                index: node.slot * 1_000 + node.starts, build: Simulation.build, examplesPerMicrobatch: size,
                isNoise: false, now: now)
            node.process = .worker(worker)
            connect(node)
            carryOut(worker.core.onStart(now: now), of: worker, node)
        }
        scheduleTimer(of: node)
    }

    private func retire(_ node: Node) {
        switch node.process {
        case .none: break
        case .coordinator(let coordinator): problems += coordinator.problems
        case .relay(let relay): problems += relay.problems
        case .worker(let worker): problems += worker.problems
        }
        node.process = .none
    }

    private func connect(_ node: Node) {
        guard node.isAlive, node.up == nil, let parent = node.parent else { return }
        guard parent.isAlive else { return queue.schedule(.connect(node), at: now + .milliseconds(50)) }
        connections += 1
        let connection = Connection(peer: PeerID(rawValue: connections), child: node, parent: parent)
        node.up = connection
        parent.children[connection.peer] = connection
        if case .relay(let relay) = node.process {
            output(relay.carryOut(relay.core.onLink(isUp: true, now: now), now: now), of: node)
        }
    }

    private func cut(_ connection: Connection) {
        connection.isUp = false
        connection.parent.children[connection.peer] = nil
        let child = connection.child
        child.up = nil
        guard child.isAlive else { return }
        if case .relay(let relay) = child.process {
            output(relay.carryOut(relay.core.onLink(isUp: false, now: now), now: now), of: child)
        }
        queue.schedule(.connect(child), at: now + .milliseconds(UInt64(random.within(10...200))))
    }

    /// A process that ends by itself keeps its links until its last words are said.
    func leave(_ node: Node) {
        if node.isLeaving { return }
        node.isLeaving = true
        queue.schedule(.gone(node, start: node.starts), at: now + .milliseconds(400))
    }

    /// The process has ended, or ends here; its supervisor starts another one soon, if the run goes on.
    private func gone(_ node: Node) {
        note("slot \(node.slot) ends")
        switch node.process {
        case .none: return
        case .coordinator: retire(node)
        case .relay(let relay): if relay.isAlive { relay.kill() }
        case .worker(let worker): if worker.isAlive { worker.kill() }
        }
        let children = node.children.values.sorted { $0.peer.rawValue < $1.peer.rawValue }
        for connection in [node.up].compactMap({ $0 }) + children { cut(connection) }
        if !isFinished { queue.schedule(.start(node), at: now + .milliseconds(UInt64(random.within(50...3_000)))) }
    }

    private func strike(_ fault: TreeScenario.Fault) {
        let node = nodes[fault.slot]
        guard !isFinished, node.isAlive else { return }
        note("fault: slot \(fault.slot) \(fault.kind)")
        switch (fault.kind, node.process) {
        case (.pause(let time), _): node.pausedUntil = max(now + time, node.pausedUntil ?? now)
        case (.terminate, .relay(let relay)):
            output(relay.carryOut(relay.core.onStop(reason: "SIGTERM", now: now), now: now), of: node)
        case (.terminate, .worker(let worker)):
            carryOut(worker.core.onStop(reason: "SIGTERM", now: now), of: worker, node)
        default: gone(node)
        }
    }
}
