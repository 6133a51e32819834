// How time is measured: every workload once per round, rounds until the time is used up, so that whatever disturbs the machine
// for a while disturbs all workloads alike and shows as spread. Reads no clock of its own.

/// The rules of a measurement.
package struct RoundRules: Equatable, Sendable {
    /// For everything, in seconds; kept unless the fewest rounds take longer.
    package var budget: Double
    /// What a workload should run for in each round, in seconds; one that takes longer runs once.
    package var sample: Double
    package var fewestRounds = 3
    package var mostRounds = 20

    package init(budget: Double, sample: Double) {
        self.budget = budget
        self.sample = sample
    }
}

/// Seconds since any fixed moment.
package typealias Clock = () -> Double

/// Workloads and the times they have taken so far.
package struct InterleavedRounds {
    private struct Entry {
        let workload: Workload
        /// Runs in a sample.
        let times: Int
        /// Seconds of one run, one per round.
        var seconds: [Double] = []
    }

    private let rules: RoundRules
    private let clock: Clock
    private let start: Double
    private var entries: [Entry] = []
    package private(set) var rounds = 0

    package init(_ rules: RoundRules, clock: @escaping Clock) {
        self.rules = rules
        self.clock = clock
        start = clock()
    }

    package var elapsed: Double { clock() - start }

    /// The times of each workload, in the order of `add`.
    package var summaries: [(workload: Workload, time: Summary)] {
        entries.compactMap { entry in Summary(entry.seconds).map { (entry.workload, $0) } }
    }

    /// Takes a workload up: warms it up and finds out how often it has to run to fill a sample. Returns the seconds of a run.
    @discardableResult
    package mutating func add(_ workload: Workload) -> Double {
        var times = 1
        var seconds = time(workload, times)
        // Below a quarter of the sample the clock and the first run's cold caches weigh too much to extrapolate.
        while seconds < rules.sample / 4 {
            times *= 2
            seconds = time(workload, times)
        }
        let single = seconds / Double(times)
        entries.append(Entry(workload: workload, times: max(1, Int((rules.sample / single).rounded()))))
        return single
    }

    /// Runs the rounds.
    /// - Parameter pausing: called after each sample; what it throws ends the measurement
    package mutating func run(pausing: (_ round: Int) throws -> Void) rethrows {
        while rounds < rules.mostRounds {
            let begin = clock()
            for index in entries.indices {
                let times = entries[index].times
                entries[index].seconds.append(time(entries[index].workload, times) / Double(times))
                try pausing(rounds + 1)
            }
            rounds += 1
            let end = clock()
            // The next round takes as long as this one.
            if rounds >= rules.fewestRounds, end - start + (end - begin) > rules.budget { return }
        }
    }

    private func time(_ workload: Workload, _ times: Int) -> Double {
        let begin = clock()
        workload.run(times)
        return clock() - begin
    }
}
