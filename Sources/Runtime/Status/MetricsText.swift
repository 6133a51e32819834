// A run's status in Prometheus' text format, version 0.0.4. Names and units as its conventions have them: base units in the names,
// `_total` on what only grows.
internal import Coordination

/// Writes families of samples, each with its HELP and TYPE.
package struct MetricsText {
    private enum Kind: String { case counter, gauge, summary }

    private typealias Label = (name: String, value: String)

    package private(set) var text = ""

    /// - Parameter age: seconds since the status was true
    package init(_ status: RunStatus, age: Double) {
        writeRun(status, age)
        let workers = zip(status.workers, Self.labels(of: status.workers)).map { ($0, $1) }
        writeCounts(workers)
        writeTimes(workers)
    }

    private mutating func writeRun(_ status: RunStatus, _ age: Double) {
        family("siamese_run_info", .gauge, "The run; always 1.")
        sample(
            "siamese_run_info",
            [
                ("run", status.run), ("network", status.network), ("dataset", status.dataset),
                ("version", status.version),
            ], 1)
        family("siamese_phase", .gauge, "1 for what the run is doing, 0 for what it is not.")
        for phase in RunStatus.Phase.allCases {
            sample("siamese_phase", [("phase", phase.rawValue)], phase == status.phase ? 1 : 0)
        }
        single("siamese_step_total", .counter, "Steps of the run that are done.", Double(status.step))
        single("siamese_steps", .gauge, "Steps of the whole run.", status.steps.map(Double.init))
        single("siamese_epoch", .gauge, "The present epoch, from 1.", status.epoch.map(Double.init))
        single("siamese_epochs", .gauge, "Epochs of the whole run.", Double(status.epochs))
        single("siamese_train_loss", .gauge, "Mean loss of the present epoch so far.", status.loss)
        single("siamese_test_loss", .gauge, "Loss of the test set after the last epoch.", status.testLoss)
        single(
            "siamese_images_per_second", .gauge, "Images that are trained on, while training.", status.imagesPerSecond)
        single("siamese_workers", .gauge, "Workers that are connected.", Double(status.workers.count))
        single("siamese_uptime_seconds", .gauge, "Since the coordinator was started.", status.seconds)
        single("siamese_snapshot_age_seconds", .gauge, "Since all of this was true.", age)
    }

    private mutating func writeCounts(_ workers: [(WorkerStatus, [Label])]) {
        func family(_ name: String, _ kind: Kind, _ help: String, _ value: (WorkerStatus) -> Double?) {
            guard !workers.isEmpty else { return }
            self.family("siamese_worker_\(name)", kind, help)
            for (worker, labels) in workers {
                if let value = value(worker) { sample("siamese_worker_\(name)", labels, value) }
            }
        }
        family("steps_total", .counter, "Steps that it has answered a shard of.") { Double($0.steps) }
        family("shards_total", .counter, "Shards that it has answered.") { Double($0.shards) }
        family("images_total", .counter, "Images of these shards.") { Double($0.images) }
        family("late_leases_total", .counter, "Shards that went to another as well because it was late.") {
            Double($0.late)
        }
        family("failures_total", .counter, "Shards that it could not compute.") { Double($0.failures) }
        family("audits_confirmed_total", .counter, "Answers that another one confirmed bit for bit.") {
            Double($0.audits)
        }
        family("received_bytes_total", .counter, "From it.") { Double($0.traffic.received) }
        family("sent_bytes_total", .counter, "To it.") { Double($0.traffic.sent) }
        family("threads", .gauge, "That it computes on.") { Double($0.threads) }
        family("images_per_second", .gauge, "While it has a shard, in its last \(RecentShards.capacity) shards.") {
            $0.imagesPerSecond
        }
        family("share_ratio", .gauge, "Its part of the images of the last steps, from 0 to 1.", \.share)
        family("last_heard_seconds", .gauge, "Since it has said something.", \.heardSecondsAgo)
    }

    private mutating func writeTimes(_ workers: [(WorkerStatus, [Label])]) {
        guard !workers.isEmpty else { return }
        family("siamese_worker_state", .gauge, "1 for what the worker is doing, 0 for what it is not.")
        for (worker, labels) in workers {
            for activity in WorkerFigures.Activity.allCases {
                let label = ("state", activity.rawValue)
                sample("siamese_worker_state", labels + [label], activity == worker.activity ? 1 : 0)
            }
        }
        let times: [(name: String, help: String, value: (WorkerStatus) -> Percentiles?)] = [
            ("compute", "Computing a shard, by its own clock.", \.compute),
            ("wait", "Between its answer and the next shard that was sent to it.", \.wait),
            ("wire", "A shard's way to the worker and its answer's way back.", \.wire),
        ]
        for (name, help, value) in times {
            family("siamese_worker_\(name)_seconds", .summary, "\(help) Of its last \(RecentShards.capacity) shards.")
            for (worker, labels) in workers {
                guard let percentiles = value(worker) else { continue }
                for (quantile, value) in [("0.5", percentiles.median), ("0.95", percentiles.p95)] {
                    sample("siamese_worker_\(name)_seconds", labels + [("quantile", quantile)], value)
                }
            }
        }
    }

    /// No two workers may have the same ones. They are told apart by name and process where that is enough, as it is unless several
    /// containers think that they are the same machine.
    private static func labels(of workers: [WorkerStatus]) -> [[Label]] {
        let known = Dictionary(grouping: workers) { "\($0.name)/\($0.processID)" }
        return workers.map { worker in
            let isKnown = known["\(worker.name)/\(worker.processID)"]?.count == 1
            return [
                ("worker", isKnown ? worker.name : "\(worker.name)#\(worker.peer)"), ("pid", "\(worker.processID)"),
            ]
        }
    }

    private mutating func single(_ name: String, _ kind: Kind, _ help: String, _ value: Double?) {
        guard let value else { return }
        family(name, kind, help)
        sample(name, [], value)
    }

    private mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    private mutating func sample(_ name: String, _ labels: [Label], _ value: Double) {
        let list = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
        text += name + (list.isEmpty ? "" : "{\(list)}") + " \(Self.number(value))\n"
    }

    private static func escaped(_ value: String) -> String {
        var text = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }

    /// As Go reads floats.
    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    }
}
