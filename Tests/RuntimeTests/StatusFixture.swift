// Runs and workers as they might stand, for the tests of what is shown of them.
import Coordination
import Runtime

enum StatusFixture {
    static func worker(
        _ name: String, speed: Double?, compute: Double = 0.004, wire: Double = 0.001,
        activity: WorkerFigures.Activity = .computing, peer: Int = 1, processID: Int = 4711
    ) -> WorkerStatus {
        var worker = WorkerStatus(name: name, processID: processID, peer: peer, threads: 4, activity: activity)
        (worker.steps, worker.shards, worker.images) = (100, 120, 30_000)
        worker.imagesPerSecond = speed
        worker.share = 0.25
        worker.compute = Percentiles(median: compute, p95: compute * 2)
        worker.wait = Percentiles(median: 0.000_25, p95: 0.0005)
        worker.wire = Percentiles(median: wire, p95: wire * 3)
        (worker.late, worker.failures, worker.audits) = (3, 1, 7)
        worker.traffic = Traffic(received: 1_234_567, sent: 89)
        worker.heardSecondsAgo = 0.5
        worker.key = "node7"
        return worker
    }

    static func run(_ workers: [WorkerStatus]) -> RunStatus {
        var run = RunStatus(run: "00ff", network: "siamese-contrastive", dataset: "MNIST", epochs: 10)
        run.phase = .training
        (run.step, run.steps, run.epoch) = (1234, 18_750, 1)
        (run.loss, run.testLoss, run.imagesPerSecond, run.seconds) = (0.02134, nil, 35_821.4, 93.5)
        run.workers = workers
        return run
    }
}
