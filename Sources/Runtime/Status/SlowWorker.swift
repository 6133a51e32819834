// Which worker is slow? The rule, and the sentence that says why. Pure.
internal import Coordination

/// The slowest worker of a run, if it is much slower than the others.
package struct SlowWorker: Equatable, Sendable {
    /// So many times as fast as it are the others, in the median.
    package static let factor = 2.0
    /// Before so many answers a speed is luck.
    static let shardsNeeded = 4

    /// Its place in the list.
    package let index: Int
    package let sentence: String

    /// Nil: none is, or there are none to compare it with.
    package init?(among workers: [WorkerStatus]) {
        guard workers.count > 1 else { return nil }
        let labels = workers.labels
        let absent = workers.indices.filter { workers[$0].isAbsent }
        if let index = absent.max(by: { workers[$0].heardSecondsAgo < workers[$1].heardSecondsAgo }) {
            self.init(index: index, sentence: "\(labels[index]) \(workers[index].absence)")
            return
        }
        let measured = workers.indices.filter {
            workers[$0].shards >= Self.shardsNeeded && workers[$0].imagesPerSecond?.isFinite == true
        }
        let speed = { (index: Int) in workers[index].imagesPerSecond ?? 0 }
        guard let index = measured.min(by: { speed($0) < speed($1) }),
            let others = median(measured.filter { $0 != index }.map(speed)), others > Self.factor * speed(index)
        else { return nil }
        let rest = measured.filter { $0 != index }.map { workers[$0] }
        let worker = workers[index]
        // By the image: the coordinator gives a slow worker smaller shards.
        func comparison(_ time: (WorkerStatus) -> Percentiles?) -> String {
            let others = median(rest.compactMap { $0.perImage(time) })
            return "\(duration(worker.perImage(time))) (the others \(duration(others)))"
        }
        self.init(
            index: index,
            sentence:
                "\(labels[index]) does \(whole(speed(index))) images/s, the others \(whole(others)) in the median: an image "
                + "takes \(comparison(\.compute)) of computing and \(comparison(\.wire)) on the wire")
    }

    private init(index: Int, sentence: String) {
        self.index = index
        self.sentence = sentence
    }
}

extension WorkerStatus {
    /// It should say or do something, and does not.
    package var isAbsent: Bool { activity == .stalled || activity == .silent }

    /// In seconds.
    fileprivate func perImage(_ time: (WorkerStatus) -> Percentiles?) -> Double? {
        guard images > 0, let seconds = time(self)?.median else { return nil }
        return seconds * Double(shards) / Double(images)
    }

    fileprivate var absence: String {
        let heard = "it was last heard of \(duration(heardSecondsAgo)) ago"
        return activity == .silent
            ? "is silent: \(heard)"
            : "is stalled: \(heard), and its late shard went to another (\(late) so far)"
    }
}

/// The middle one, or the lower of two.
private func median(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.sorted()[(values.count - 1) / 2]
}
