// The document of a status report, written by a coordinator and read by `siamese status`. Units stand in the names.
package import Artifacts
internal import Coordination

extension RunStatus {
    package var json: JSONValue {
        [
            "version": .string(version), "run": .string(run), "network": .string(network), "dataset": .string(dataset),
            "phase": .string(phase.rawValue), "step": .integer(step), "steps": .optional(steps),
            "epoch": .optional(epoch), "epochs": .integer(epochs), "loss": .optional(loss),
            "test_loss": .optional(testLoss), "images_per_second": .optional(imagesPerSecond),
            "seconds": .number(seconds), "workers": .array(workers.map(\.json)),
        ]
    }

    /// Nil unless all that is needed is there. Members that are not known are left alone: a later build may tell more.
    package init?(json: JSONValue) {
        guard let run = json["run"]?.string, let network = json["network"]?.string,
            let dataset = json["dataset"]?.string, let epochs = json["epochs"]?.integer,
            let phase = json["phase"]?.string.flatMap(Phase.init), let step = json["step"]?.integer,
            let workers = json["workers"]?.array
        else { return nil }
        self.init(run: run, network: network, dataset: dataset, epochs: epochs)
        version = json["version"]?.string ?? ""
        self.phase = phase
        self.step = step
        steps = json["steps"]?.integer
        epoch = json["epoch"]?.integer
        loss = json["loss"]?.number
        testLoss = json["test_loss"]?.number
        imagesPerSecond = json["images_per_second"]?.number
        seconds = json["seconds"]?.number ?? 0
        for worker in workers {
            guard let worker = WorkerStatus(json: worker) else { return nil }
            self.workers.append(worker)
        }
    }
}

extension WorkerStatus {
    var json: JSONValue {
        [
            "name": .string(name), "pid": .integer(processID), "peer": .integer(peer), "threads": .integer(threads),
            "key": key.map(JSONValue.string) ?? nil, "state": .string(activity.rawValue), "steps": .integer(steps),
            "shards": .integer(shards), "images": .integer(images), "images_per_second": .optional(imagesPerSecond),
            "share": .optional(share), "compute_seconds": .optional(compute), "wait_seconds": .optional(wait),
            "wire_seconds": .optional(wire), "late_leases": .integer(late), "failures": .integer(failures),
            "audits_confirmed": .integer(audits), "received_bytes": .integer(traffic.received),
            "sent_bytes": .integer(traffic.sent), "heard_seconds_ago": .number(heardSecondsAgo),
        ]
    }

    init?(json: JSONValue) {
        guard let name = json["name"]?.string, let processID = json["pid"]?.integer, let peer = json["peer"]?.integer,
            let threads = json["threads"]?.integer,
            let activity = json["state"]?.string.flatMap(WorkerFigures.Activity.init)
        else { return nil }
        self.init(name: name, processID: processID, peer: peer, threads: threads, activity: activity)
        func count(_ name: String) -> Int { json[name]?.integer ?? 0 }
        key = json["key"]?.string
        (steps, shards, images) = (count("steps"), count("shards"), count("images"))
        (late, failures, audits) = (count("late_leases"), count("failures"), count("audits_confirmed"))
        traffic = Traffic(received: count("received_bytes"), sent: count("sent_bytes"))
        imagesPerSecond = json["images_per_second"]?.number
        share = json["share"]?.number
        compute = json["compute_seconds"]?.percentiles
        wait = json["wait_seconds"]?.percentiles
        wire = json["wire_seconds"]?.percentiles
        heardSecondsAgo = json["heard_seconds_ago"]?.number ?? 0
    }
}

extension JSONValue {
    fileprivate static func optional(_ value: Int?) -> JSONValue { value.map(JSONValue.integer) ?? nil }

    fileprivate static func optional(_ value: Double?) -> JSONValue { JSONValue(orNull: value) }

    fileprivate static func optional(_ value: Percentiles?) -> JSONValue {
        value.map { ["p50": .number($0.median), "p95": .number($0.p95)] } ?? nil
    }

    fileprivate var percentiles: Percentiles? {
        guard let median = self["p50"]?.number, let p95 = self["p95"]?.number else { return nil }
        return Percentiles(median: median, p95: p95)
    }
}
