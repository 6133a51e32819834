// How a run stands at one moment, and how its workers are: what the coordinator tells whoever asks, and what `siamese status` and
// Prometheus show. A value: where it comes from is `StatusBoard`'s affair, how it looks that of the table and the metrics.
package import Coordination

/// A run at one moment.
package struct RunStatus: Equatable, Sendable {
    package enum Phase: String, CaseIterable, Sendable {
        /// No step is done yet.
        case starting
        case training
        /// Losses of the test set, pictures: nothing is asked of the workers.
        case evaluating
    }

    package var version = programVersion
    package var run: String
    package var network: String
    package var dataset: String
    package var phase = Phase.starting
    /// Steps that are done, and of the whole run.
    package var step = 0
    package var steps: Int?
    package var epoch: Int?
    package var epochs: Int
    package var loss: Double?
    package var testLoss: Double?
    package var imagesPerSecond: Double?
    /// Since this coordinator was started.
    package var seconds = 0.0
    package var workers: [WorkerStatus] = []

    package init(run: String, network: String, dataset: String, epochs: Int) {
        self.run = run
        self.network = network
        self.dataset = dataset
        self.epochs = epochs
    }
}

/// A worker at one moment. Times are those of its last shards.
package struct WorkerStatus: Equatable, Sendable {
    package var name: String
    package var processID: Int
    /// Number of its connection: no two workers have the same.
    package var peer: Int
    package var threads: Int
    package var key: String?
    package var activity: WorkerFigures.Activity
    package var steps = 0
    package var shards = 0
    package var images = 0
    /// While it had a shard, computing or on the wire.
    package var imagesPerSecond: Double?
    package var share: Double?
    package var compute: Percentiles?
    package var wait: Percentiles?
    package var wire: Percentiles?
    package var late = 0
    package var failures = 0
    package var audits = 0
    package var traffic = Traffic()
    package var heardSecondsAgo = 0.0

    package init(name: String, processID: Int, peer: Int, threads: Int, activity: WorkerFigures.Activity) {
        self.name = name
        self.processID = processID
        self.peer = peer
        self.threads = threads
        self.activity = activity
    }

    init(_ figures: WorkerFigures, _ traffic: Traffic) {
        let identity = figures.identity
        self.init(
            name: identity.processName, processID: Int(identity.processID), peer: Int(clamping: identity.peer.rawValue),
            threads: Int(identity.threads), activity: figures.activity)
        key = identity.credential
        let counters = figures.counters
        steps = Int(clamping: counters.steps)
        shards = Int(clamping: counters.shards)
        images = Int(clamping: counters.images)
        imagesPerSecond = counters.recent.imagesPerSecond
        share = figures.share
        compute = counters.recent.compute
        wait = counters.recent.wait
        wire = counters.recent.wire
        late = Int(clamping: counters.late)
        failures = Int(clamping: counters.failures)
        audits = Int(clamping: counters.confirmed)
        self.traffic = traffic
        heardSecondsAgo = figures.heardAgo.seconds
    }
}

/// Bytes of all frames between the coordinator and one peer.
package struct Traffic: Equatable, Sendable {
    package var received = 0
    package var sent = 0

    package init(received: Int = 0, sent: Int = 0) {
        self.received = received
        self.sent = sent
    }
}

extension [WorkerStatus] {
    /// What to call each of them so that no two have the same name: by name alone where that is enough, or with the process id, or
    /// with the number of the connection.
    package var labels: [String] {
        let names = Dictionary(grouping: self, by: \.name)
        let processes = Dictionary(grouping: self) { "\($0.name)/\($0.processID)" }
        return map { worker in
            let process = "\(worker.name)/\(worker.processID)"
            if names[worker.name]?.count == 1 { return worker.name }
            return processes[process]?.count == 1 ? process : "\(process)#\(worker.peer)"
        }
    }
}
